"""Bytes in memory."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from entrepot.storage.memory import MemoryStorage
from entrepot.testing.storage_contract import StorageContract, body_of, received


class TestMemoryStorage(StorageContract):
    """Memory honours what every storage must."""

    def make_storage(self, folder: Path) -> MemoryStorage:
        return MemoryStorage()


def test_closing_leaves_no_temporary_file() -> None:
    """Large bodies waited in a folder; it goes with the storage."""
    with closing(MemoryStorage()) as storage:
        path = received(storage, body_of(200_000)).path
        assert path.exists()

    assert not path.parent.exists()
