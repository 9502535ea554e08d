"""What a storage must honour that outlives its process, and that others can reach."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entrepot.testing.storage_contract import StorageContract, body_of, keep, read, received, sha256_of

if TYPE_CHECKING:
    from entrepot.storage.protocol import Storage

__all__ = ["DurableStorageContract"]

WRONG = {
    "empty": b"",
    "short": body_of(4095),
    "long": body_of(4097),
    "other bytes of the same size": body_of(4096, "other"),
}


class DurableStorageContract(StorageContract):
    """The promises of a storage that is opened again. Write `plant` beside `make_storage`.

    `make_storage` with the same folder opens the same storage.
    """

    def plant(self, folder: Path, sha256: bytes, body: bytes) -> None:
        """Put bytes under a digest behind the storage's back, right or wrong."""
        raise AssertionError(f"write plant: it puts {len(body)} bytes under {sha256.hex()} in {folder}")

    def test_what_was_kept_is_there_when_it_is_opened_again(self, storage: Storage, tmp_path: Path) -> None:
        """Another process, later, reads what this one kept."""
        keep(storage, body_of(10), body_of(200_000))
        storage.close()

        with closing(self.make_storage(tmp_path)) as again:
            assert read(again, body_of(10)) == body_of(10)
            assert again.holds(sha256_of(body_of(200_000)), 200_000)

    @pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
    def test_wrong_bytes_under_a_digest_are_replaced(self, storage: Storage, tmp_path: Path, body: bytes) -> None:
        """That a name is taken says nothing about the bytes."""
        self.plant(tmp_path, sha256_of(body_of(4096)), body)

        [kept] = keep(storage, body_of(4096))

        assert kept.recheck is None
        assert read(storage, body_of(4096)) == body_of(4096)

    @pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
    def test_wrong_bytes_under_a_digest_are_not_found(self, storage: Storage, tmp_path: Path, body: bytes) -> None:
        """What is adopted after a crash was read and hashed first."""
        self.plant(tmp_path, sha256_of(body_of(4096)), body)

        assert storage.find([sha256_of(body_of(4096))]) == [None]

    def test_right_bytes_that_nobody_knows_of_are_found(self, storage: Storage, tmp_path: Path) -> None:
        """A run that died after keeping need not download again."""
        self.plant(tmp_path, sha256_of(body_of(4096)), body_of(4096))

        [found] = storage.find([sha256_of(body_of(4096))])

        assert found is not None
        assert found.size == len(body_of(4096))
        assert found.recheck is not None
        assert found.recheck()

    @pytest.mark.parametrize("size", [10, 200_000])
    def test_a_sweep_leaves_the_living_alone(self, storage: Storage, tmp_path: Path, size: int) -> None:
        """Another process that starts takes nothing from this one's hands."""
        taken = received(storage, body_of(size))
        path = taken.path

        with closing(self.make_storage(tmp_path)) as other:
            assert other.sweep() == 0

        assert path.exists()
        storage.keep([taken])
        assert read(storage, body_of(size)) == body_of(size)

    def test_two_storages_share_one_place(self, storage: Storage, tmp_path: Path) -> None:
        """Several processes keep and remove at once; each sees what the others did."""
        with closing(self.make_storage(tmp_path)) as other:
            keep(storage, body_of(10))
            [found] = keep(other, body_of(10))
            assert found.recheck is not None

            other.remove(sha256_of(body_of(10)))

            assert not storage.holds(sha256_of(body_of(10)))
            assert not found.recheck()
