"""Paths of a finished version, and which of some paths it has: published files and artifacts alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from entrepot.catalog.batch import Batch
from entrepot.catalog.listing import CONTENT_PATHS, PUBLISHED_PATHS
from entrepot.catalog.statement import Session, Statement

#: Behind every path.
_END: Final = chr(0x10FFFF)

_AMONG: Final = Statement(
    "SELECT batch.relative_path FROM {batch} WHERE EXISTS (SELECT 1 FROM published_file p"
    " WHERE p.repository = :repository AND p.relative_path = batch.relative_path AND p.added <= :number"
    " AND p.removed > :number) OR EXISTS (SELECT 1 FROM content_artifact a JOIN content c ON c.id = a.content"
    " JOIN membership m ON m.repository = :repository AND m.key = c.key AND m.content = c.id"
    " WHERE a.relative_path = batch.relative_path AND m.added <= :number AND m.removed > :number)",
    Batch("relative_path text"),
)


def paths(session: Session, repository: int, number: int, *, after: str, limit: int) -> list[str]:
    """A page of the paths, each once, in order; a page may be shorter than the limit, the last is empty."""
    values: dict[str, Any] = {"repository": repository, "number": number, "after": after, "end": _END, "limit": limit}
    found, full = set[str](), list[str]()
    for statement in (PUBLISHED_PATHS, CONTENT_PATHS):
        page = [path for (path,) in session.all(statement, **values)]
        found.update(page)
        full += page[-1:] if len(page) == limit else []
    # Where one answer was cut short, the other may not run ahead of it.
    return sorted(path for path in found if not full or path <= min(full))


def among(session: Session, repository: int, number: int, asked: Sequence[str]) -> set[str]:
    """Which of some paths a version has."""
    rows = session.all(_AMONG, [(path,) for path in asked], repository=repository, number=number)
    return {path for (path,) in rows}
