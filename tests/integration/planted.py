"""Mistakes in what makes things durable, planted on purpose: a harness is worth what it finds of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from entrepot.catalog import sqlite
from entrepot.storage.disk import Disk
from entrepot.storage.durable import SyncEach, SyncWhole


def _nothing(*_: Any) -> None:
    pass


def _no_folder_sync() -> None:
    for way in (SyncEach, SyncWhole):
        setattr(way, "folders", _nothing)  # noqa: B010  a planted mistake, which no type allows


def _no_file_sync() -> None:
    for sync in ("sync", "sync_whole"):
        setattr(Disk, sync, _nothing)


def _no_commit_sync() -> None:
    lazy = tuple(setting.replace("synchronous = FULL", "synchronous = NORMAL") for setting in sqlite._WRITER)
    assert lazy != sqlite._WRITER
    setattr(sqlite, "_WRITER", lazy)  # noqa: B010  a planted mistake, which no type allows


#: What to call in a process that is about to open a depot.
BUGS: Final[dict[str | None, Callable[[], None]]] = {
    None: _nothing,
    "folder sync removed": _no_folder_sync,
    "file sync removed": _no_file_sync,
    "synchronous=NORMAL": _no_commit_sync,
}
