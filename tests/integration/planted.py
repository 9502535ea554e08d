"""What is changed in a process before it opens a depot: mistakes that a harness must find, and shorter waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from entrepot.catalog import sqlite
from entrepot.catalog.catalog import Catalog
from entrepot.storage.disk import Disk
from entrepot.storage.durable import SyncEach, SyncWhole

#: Seconds after which a lease can be taken over from a process that has stopped.
SHORT_LEASE: Final = 1.0


def _nothing(*_: Any) -> None:
    pass


def _no_folder_sync() -> None:
    for way in (SyncEach, SyncWhole):
        setattr(way, "folders", _nothing)  # noqa: B010  a planted mistake, which no type allows


def _no_file_sync() -> None:
    for sync in ("sync", "sync_whole"):
        setattr(Disk, sync, _nothing)


def _no_commit_sync() -> None:
    assert sqlite._LASTING != sqlite._IN_ORDER
    setattr(sqlite, "_LASTING", sqlite._IN_ORDER)  # noqa: B010  a planted mistake, which no type allows


def _short_lease() -> None:
    Catalog.open.__func__.__kwdefaults__["term"] = SHORT_LEASE  # type: ignore[attr-defined]  # a class method has one


#: What to call in a process that is about to open a depot.
BUGS: Final[dict[str | None, Callable[[], None]]] = {
    None: _nothing,
    "folder sync removed": _no_folder_sync,
    "file sync removed": _no_file_sync,
    "synchronous=NORMAL": _no_commit_sync,
    "short lease": _short_lease,
}
