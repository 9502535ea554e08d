"""Versions: what a repository has been."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.catalog.rows import VersionRow
    from entrepot.depot import Depot


def versions(depot: Depot, name: str) -> list[VersionRow]:
    """Every version that is kept, oldest first; none for a repository that was never synced.

    A name that is neither configured nor in the catalog is `UnknownName`.
    """
    if all(row.name != name for row in depot.catalog.reader.repositories()):
        depot.settings.repository(name)
        return []
    return sorted(depot.catalog.reader.versions(name), key=lambda row: row.number)
