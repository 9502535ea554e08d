"""A depot: a catalog and a storage, opened, with the plugins and settings that go with them."""

from __future__ import annotations

from entrepot.depot.depot import Depot, open_depot

__all__ = ["Depot", "open_depot"]
