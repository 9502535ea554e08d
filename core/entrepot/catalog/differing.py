"""Differences: what changed from one finished version to another."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Any, Final

from entrepot.catalog import listing
from entrepot.catalog.reserved import OPEN
from entrepot.catalog.rows import DiffRow
from entrepot.catalog.statement import Session, Statement
from entrepot.model.ledger import ContentRow

_SIDE: Final = "m.repository = :repository AND m.key = k.key AND m.added <= {0} AND m.removed > {0}"

#: Only keys that any version in between touched are looked at.
_WITHIN: Final = Statement(
    "SELECT k.key, b.id, b.type, b.fields, a.id, a.type, a.fields FROM ("
    "SELECT m.key FROM membership m WHERE m.repository = :repository AND m.added > :low AND m.added <= :high"
    " AND m.added <> 1 AND m.key > :after"
    " UNION SELECT m.key FROM membership m WHERE m.repository = :repository AND m.removed > :low"
    f" AND m.removed <= :high AND m.removed <> {OPEN} AND m.key > :after"
    ") k"
    f" LEFT JOIN content b ON b.id = (SELECT m.content FROM membership m WHERE {_SIDE.format(':before')})"
    f" LEFT JOIN content a ON a.id = (SELECT m.content FROM membership m WHERE {_SIDE.format(':later')})"
    " WHERE b.id {differs} a.id ORDER BY k.key LIMIT :limit"
)


def within(session: Session, repository: int, versions: tuple[int, int], *, after: str, limit: int) -> list[DiffRow]:
    """A page of what differs between two versions of one repository, whichever is older."""
    before, later = versions
    rows = session.all(
        _WITHIN,
        repository=repository,
        before=before,
        later=later,
        low=min(versions),
        high=max(versions),
        after=after,
        limit=limit,
    )
    return [_row(key, _content(key, row[:3]), _content(key, row[3:])) for key, *row in rows]


def between(session: Session, one: tuple[int, int], other: tuple[int, int], *, after: str, limit: int) -> list[DiffRow]:
    """A page of what differs between versions of two repositories: both are walked in order of key."""
    return list(islice(_walk(_side(session, one, after, 0), _side(session, other, after, 1)), limit))


def _walk(
    one: Iterator[tuple[str, int, ContentRow]], other: Iterator[tuple[str, int, ContentRow]]
) -> Iterator[DiffRow]:
    waiting: ContentRow | None = None
    for key, side, row in merge(one, other, key=lambda item: item[:2]):
        if waiting is not None and (side == 0 or waiting.key != key):
            yield _row(waiting.key, waiting, None)
            waiting = None
        if side == 0:
            waiting = row
        elif waiting is None:
            yield _row(key, None, row)
        else:
            if waiting.content != row.content:
                yield _row(key, waiting, row)
            waiting = None
    if waiting is not None:
        yield _row(waiting.key, waiting, None)


def _side(session: Session, place: tuple[int, int], after: str, side: int) -> Iterator[tuple[str, int, ContentRow]]:
    while page := listing.members(session, *place, after=after, limit=1000):
        for row in page:
            yield row.key, side, row
        after = page[-1].key


def _content(key: str, row: list[Any]) -> ContentRow | None:
    return None if row[0] is None else ContentRow(key, *row)


def _row(key: str, before: ContentRow | None, after: ContentRow | None) -> DiffRow:
    if before is None:
        return DiffRow(key, "added", before, after)
    return DiffRow(key, "removed" if after is None else "changed", before, after)
