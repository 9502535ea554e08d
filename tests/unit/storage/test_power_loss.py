"""The order of syncing, proved by pulling the plug at every step of it."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from entrepot.storage import filesystem
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.testing.storage_contract import body_of, keep, sha256_of
from unit.storage.pulled_plug import ForgetfulDisk, PulledPlug, wrong_files


class DiskThatSkipsFiles(ForgetfulDisk):
    """A planted mistake: files are never synced."""

    def sync(self, file: int) -> None:
        self.step()

    def sync_whole(self, syncfs: object, file: int) -> None:
        self.step()


class DiskThatSkipsFolders(ForgetfulDisk):
    """A planted mistake: names are never synced."""

    def sync_folder(self, path: str) -> None:
        self.step()


def pull_the_plug_everywhere(root: Path, disk_class: Callable[[int], ForgetfulDisk], files: int) -> list[str]:
    """Keep files with the power going at step 1, 2, 3 ... until nothing is left to disturb; what broke."""
    with closing(FilesystemStorage(root)) as storage:
        storage.prepare()
        for number in itertools.count(1):
            disk, die = disk_class(number), random.Random(number)
            bodies = [body_of(size, f"{number} {size}") for size in (*range(files - 1), 70_000)]
            damaged = sha256_of(bodies[0]).hex()
            (root / "sha256" / damaged[:2] / damaged[2:]).write_bytes(b"wrong from the start")
            acknowledged = keep_until_the_plug_is_pulled(root, disk, bodies)
            disk.lose_power(die)
            if broken := wrong_files(root, known=frozenset({damaged} - acknowledged)) + missing(root, acknowledged):
                return broken
            if acknowledged:
                return []
            storage.sweep()
            os.unlink(root / "sha256" / damaged[:2] / damaged[2:])
    raise AssertionError


def keep_until_the_plug_is_pulled(root: Path, disk: ForgetfulDisk, bodies: list[bytes]) -> set[str]:
    """Name what was acknowledged: all, or nothing when the power went before."""
    storage = FilesystemStorage(root, disk=disk)
    try:
        kept = keep(storage, *bodies)
        return {one.sha256.hex() for one in kept}
    except PulledPlug:
        return set()
    finally:
        with suppress(PulledPlug):
            storage.close()


def missing(root: Path, names: set[str]) -> list[str]:
    """Say which files are not there."""
    return sorted(name for name in names if not (root / "sha256" / name[:2] / name[2:]).is_file())


def trust_every_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the whole file system be synced at once, wherever the tests run."""
    monkeypatch.setattr(filesystem, "syncfs_for", lambda _: lambda _: None)


@pytest.mark.fault("C04")
@pytest.mark.promise("P03")
@pytest.mark.parametrize("files", [5, 33], ids=["each file", "the whole file system"])
def test_a_power_cut_at_any_step_loses_nothing_that_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    """Bytes before names, names before the answer: no wrong bytes under a final name, ever."""
    trust_every_file_system(monkeypatch)

    assert pull_the_plug_everywhere(tmp_path, ForgetfulDisk, files) == []


@pytest.mark.parametrize(
    ("disk", "files"), [(DiskThatSkipsFiles, 5), (DiskThatSkipsFiles, 33), (DiskThatSkipsFolders, 5)]
)
def test_a_planted_mistake_in_the_order_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Callable[[int], ForgetfulDisk], files: int
) -> None:
    """The proof is worth something only if it can fail."""
    trust_every_file_system(monkeypatch)

    assert pull_the_plug_everywhere(tmp_path, disk, files) != []
