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
    if not is_synced(depot, name):
        return []
    return depot.catalog.reader.versions(name)


def is_synced(depot: Depot, name: str) -> bool:
    """Whether the catalog knows a repository; `UnknownName` when the configuration does not either."""
    if any(row.name == name for row in depot.catalog.reader.repositories()):
        return True
    depot.settings.repository(name)
    return False
