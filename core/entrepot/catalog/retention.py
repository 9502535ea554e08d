"""Retention: which versions go, and the rows that only they needed.

A pruned version keeps its row, so that its number answers 410 for ever and is never given again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from entrepot.catalog.reserved import OPEN
from entrepot.catalog.statement import PIECE, Session, Statement

if TYPE_CHECKING:
    from entrepot.catalog.writing import Writer

_KEPT: Final = "repository = :repository AND completed IS NOT NULL AND pruned IS NULL"

_FIRST: Final = Statement(
    f"SELECT min(number) FROM (SELECT number FROM repository_version WHERE {_KEPT}"
    " ORDER BY number DESC LIMIT :keep) newest"
)
_OLDER: Final = Statement(f"SELECT number FROM repository_version WHERE {_KEPT} AND number < :first ORDER BY number")
_PRUNE: Final = Statement(
    "UPDATE repository_version SET pruned = :now, report = '{}' WHERE repository = :repository AND number IN"
    f" (SELECT number FROM repository_version WHERE {_KEPT} AND number < :first ORDER BY number LIMIT :limit)"
)
_BOUND: Final = Statement(
    "SELECT max(number) + 1 FROM repository_version WHERE repository = :repository AND pruned IS NOT NULL"
)

# A closed row has a version of its own kind left as long as one between its two numbers is: finished
# and not pruned, or under construction. An open row is part of the latest version, which stays.
_NEEDED: Final = (
    "SELECT 1 FROM repository_version v WHERE v.repository = t.repository AND v.number >= t.added"
    " AND v.number < t.removed AND v.pruned IS NULL"
)
_TABLES: Final = {
    "membership": "key, removed",
    "further_scope": "key, scope, removed",
    "member_need": "key, needs, removed",
    "published_file": "relative_path, media_type, removed",
}
_FORGET: Final = tuple(
    Statement(
        f"DELETE FROM {table} WHERE repository = :repository AND ({key}) IN (SELECT {key} FROM {table} t"
        f" WHERE t.repository = :repository AND t.removed <= :bound AND t.removed <> {OPEN}"
        f" AND NOT EXISTS ({_NEEDED}) LIMIT :limit)"
    )
    for table, key in _TABLES.items()
)

#: Runs before this one tell of versions that are gone, and void no checkpoint that is still there.
_RUNS_FROM: Final = Statement(
    "SELECT min(run) FROM (SELECT v.run AS run FROM repository_version v WHERE v.repository = :repository"
    " AND v.pruned IS NULL UNION ALL SELECT c.run FROM checkpoint c WHERE c.repository = :repository) needed"
)
_FORGET_RUNS: Final = (
    *(
        Statement(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE repository = :repository"
            " AND run < :run LIMIT :limit)"
        )
        for table in ("failure", "refusal")
    ),
    Statement(
        "DELETE FROM run WHERE id IN (SELECT id FROM run WHERE repository = :repository AND id < :run"
        " AND outcome IS NOT NULL AND swept = true LIMIT :limit)"
    ),
)


def first_kept(session: Session, repository: int, keep: int) -> int:
    """The oldest version among the latest `keep`; 0 where there is none."""
    (first,) = session.only(_FIRST, repository=repository, keep=keep)
    return first or 0


def older(session: Session, repository: int, first: int) -> list[int]:
    """The numbers of versions before one that are still there."""
    return [number for (number,) in session.all(_OLDER, repository=repository, first=first)]


def prune_versions(writer: Writer, repository: int, *, keep: int, now: float) -> list[int]:
    """Prune all but the latest `keep` versions, the latest never among them; the numbers that went."""
    gone: list[int] = []
    while True:
        with writer.transaction() as session:
            first = first_kept(session, repository, max(keep, 1))
            numbers = older(session, repository, first)[:PIECE]
            if numbers:
                session.change(_PRUNE, repository=repository, first=first, now=now, limit=PIECE)
        gone += numbers
        if len(numbers) < PIECE:
            return gone


def forget_pruned(writer: Writer, repository: int) -> None:
    """Delete the members, files and run notes of pruned versions; may be cut short, and go on later."""
    with writer.reading() as session:
        (bound,) = session.only(_BOUND, repository=repository)
        (run,) = session.only(_RUNS_FROM, repository=repository)
    if bound is None:
        return
    for statement in _FORGET:
        _until_none_is_left(writer, statement, repository=repository, bound=bound)
    for statement in _FORGET_RUNS:
        _until_none_is_left(writer, statement, repository=repository, run=run)


def _until_none_is_left(writer: Writer, statement: Statement, **values: Any) -> None:
    changed = PIECE
    while changed == PIECE:
        with writer.transaction() as session:
            changed = session.change(statement, **values, limit=PIECE)
