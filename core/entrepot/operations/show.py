"""Show: what a version holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from entrepot.operations.statement import Shown
from entrepot.operations.versions import is_synced

if TYPE_CHECKING:
    from entrepot.catalog.rows import VersionRow
    from entrepot.depot import Depot
    from entrepot.operations.reference import Reference

_PAGE = 1000


def find_version(depot: Depot, reference: Reference) -> VersionRow:
    """The version that is meant; the error for one that is not there says which there are."""
    is_synced(depot, reference.name)
    return depot.catalog.reader.version(reference.name, reference.at)


def show(depot: Depot, version: VersionRow, *, limit: int | None = None) -> Iterator[Shown]:
    """The members in order of key, read a page at a time; all of them without a limit."""
    after, left = "", limit
    while left is None or left > 0:
        wanted = _PAGE if left is None else min(_PAGE, left)
        rows = depot.catalog.reader.members(version.repository, version.number, after=after, limit=wanted)
        yield from map(Shown.of, rows)
        if len(rows) < wanted:
            return
        after, left = rows[-1].key, None if left is None else left - len(rows)
