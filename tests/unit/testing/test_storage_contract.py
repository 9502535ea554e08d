"""The contract of storages is worth something only if it fails on storages that break it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from entrepot.model.artifact import Artifact
from entrepot.model.incoming import Received
from entrepot.model.ledger import KeptArtifact
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.storage.incoming import Arriving
from entrepot.storage.memory import MemoryStorage
from entrepot.storage.protocol import Storage
from entrepot.storage.shelf import Shelf
from entrepot.testing.durable_storage_contract import WRONG, DurableStorageContract
from entrepot.testing.storage_contract import StorageContract

BROKEN = (AssertionError, pytest.fail.Exception)


class Gullible(MemoryStorage):
    """Takes whatever comes for what was declared."""

    def receive(self, expected: Artifact) -> Arriving:
        return super().receive(Artifact(size=expected.size))


class Disorderly(MemoryStorage):
    """Answers in an order of its own."""

    def keep(self, batch: Sequence[Received]) -> list[KeptArtifact]:
        return sorted(super().keep(batch), key=lambda kept: kept.size)


class Boundless(MemoryStorage):
    """Counts bytes only in the end."""

    def receive(self, expected: Artifact) -> Arriving:
        return super().receive(Artifact(sha256=expected.sha256))


class Silent(MemoryStorage):
    """Does not say which bytes it found rather than wrote."""

    def keep(self, batch: Sequence[Received]) -> list[KeptArtifact]:
        return [kept._replace(recheck=None) for kept in super().keep(batch)]


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (Gullible, lambda kit, storage: kit.test_every_declared_digest_is_verified(storage, "sha512", 10)),
        (Disorderly, lambda kit, storage: kit.test_answers_stand_in_the_order_of_the_batch(storage)),
        (Boundless, lambda kit, storage: kit.test_the_first_byte_past_the_declared_size_is_refused(storage, 0)),
        (Silent, lambda kit, storage: kit.test_bytes_that_were_there_are_found_and_can_be_looked_for_again(storage)),
    ],
)
def test_a_storage_that_breaks_a_promise_is_found_out(
    broken: type[MemoryStorage], promise: Callable[[StorageContract, Storage], None]
) -> None:
    """Each double breaks one promise, and the test of that promise fails on it."""
    with closing(MemoryStorage()) as honest:
        promise(StorageContract(), honest)

    with closing(broken()) as storage, pytest.raises(BROKEN):
        promise(StorageContract(), storage)


class TrustingShelf(Shelf):
    """Takes a name for the bytes, as many stores do."""

    def verify(self, sha256: bytes, *, sync: bool = True) -> int | None:
        path = Path(self.name(sha256))
        return path.stat().st_size if path.exists() else None


class Planter(DurableStorageContract):
    """Plants files where a folder's storage has them."""

    def make_storage(self, folder: Path) -> FilesystemStorage:
        return FilesystemStorage(folder)

    def plant(self, folder: Path, sha256: bytes, body: bytes) -> None:
        digits = sha256.hex()
        (folder / "sha256" / digits[:2] / digits[2:]).write_bytes(body)


def test_a_storage_that_trusts_what_it_finds_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes an existing name for the right bytes fails on each kind of wrong ones."""
    monkeypatch.setattr("entrepot.storage.filesystem.Shelf", TrustingShelf)
    with closing(FilesystemStorage(tmp_path)) as storage:
        storage.prepare()

        for wrong in WRONG.values():
            with pytest.raises(BROKEN):
                Planter().test_wrong_bytes_under_a_digest_are_replaced(storage, tmp_path, wrong)
            with pytest.raises(BROKEN):
                Planter().test_wrong_bytes_under_a_digest_are_not_found(storage, tmp_path, wrong)


def test_a_storage_whose_sweep_takes_all_is_found_out(tmp_path: Path) -> None:
    """A sweep that removes what others are writing loses their downloads."""

    class Careless(FilesystemStorage):
        def sweep(self) -> int:
            litter = list((self.root / "tmp").iterdir())
            for path in litter:
                path.unlink()
            return len(litter)

    class CarelessContract(Planter):
        def make_storage(self, folder: Path) -> FilesystemStorage:
            return Careless(folder)

    with closing(FilesystemStorage(tmp_path)) as storage:
        storage.prepare()

        with pytest.raises(BROKEN):
            CarelessContract().test_a_sweep_leaves_the_living_alone(storage, tmp_path, 10)
