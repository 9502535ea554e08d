"""Temporary files, and whose they are."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from entrepot.storage import scratch as scratch_module
from entrepot.storage.disk import Disk
from entrepot.storage.scratch import Scratch


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Scratch]:
    """Temporary files in the test's folder."""
    with closing(Scratch(str(tmp_path), Disk())) as scratch:
        yield scratch


def make(scratch: Scratch) -> Path:
    """Make one temporary file and close it."""
    path, file = scratch.create()
    os.close(file)
    return Path(path)


def leave_litter(folder: Path, owner: str = "1-2-0", count: int = 3) -> list[Path]:
    """Put down what a dead process leaves: its files, and its own without a lock."""
    litter = [folder / f"{owner}-{number}" for number in range(count)]
    first = folder / f"{owner}.owner"
    first.write_bytes(b"litter")
    for path in litter:
        path.hardlink_to(first)  # many files are slow to make
    return litter


def test_litter_of_the_dead_is_removed_and_the_living_keep_theirs(scratch: Scratch, tmp_path: Path) -> None:
    """Who holds its lock lives, whatever its number says."""
    mine = make(scratch)
    leave_litter(tmp_path)

    with closing(Scratch(str(tmp_path), Disk())) as other:
        theirs = make(other)

        assert scratch.sweep() == 3

        assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".owner") == sorted(
            [mine.name, theirs.name]
        )
    assert not (tmp_path / "1-2-0.owner").exists()


def test_a_number_that_is_used_again_hides_no_litter(scratch: Scratch, tmp_path: Path) -> None:
    """Litter of a process that had our number and start time, in another container say, goes too."""
    mine = make(scratch)
    same_process, _, number = mine.name.rpartition("-")[0].rpartition("-")
    leave_litter(tmp_path, f"{same_process}-{int(number) + 1}")

    assert scratch.sweep() == 3
    assert mine.exists()


def test_litter_without_an_owner_is_removed(scratch: Scratch, tmp_path: Path) -> None:
    """A power cut may lose the owner's file and not the others; a storage that closed has none."""
    leave_litter(tmp_path)
    (tmp_path / "1-2-0.owner").unlink()

    assert scratch.sweep() == 3


def test_what_is_not_ours_is_left(scratch: Scratch, tmp_path: Path) -> None:
    """Only names of our making are touched."""
    for name in ("README", "1-2", "x-1-2-3", "1-2-0-3.bak"):
        (tmp_path / name).write_bytes(b"somebody's")

    assert scratch.sweep() == 0
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.fault("C17")
@pytest.mark.promise("P08")
def test_a_sweep_takes_bounded_time_and_the_next_goes_on(
    scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much litter there is, a start waits for a part of it at most."""
    monkeypatch.setattr(scratch_module, "SWEPT_AT_ONCE", 10)
    leave_litter(tmp_path, count=24)

    removed = [scratch.sweep() for _ in range(4)]

    assert sum(removed) == 24
    assert max(removed) <= 10
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("C17")
def test_ten_thousand_files_are_swept_at_once(scratch: Scratch, tmp_path: Path) -> None:
    """A crash under load leaves thousands; one sweep takes them."""
    leave_litter(tmp_path, count=10_000)

    assert scratch.sweep() == 10_000


def test_an_owner_whose_file_was_swept_before_it_was_locked_takes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making the file and locking it, a sweep may have taken both for litter."""
    swept: list[int] = []

    class SweptDisk(Disk):
        def create(self, path: str) -> int:
            file = super().create(path)
            if not swept:
                swept.append(file)
                os.unlink(path)
            return file

    with closing(Scratch(str(tmp_path), SweptDisk())) as scratch:
        path = make(scratch)

        owner = tmp_path / (path.name.rpartition("-")[0] + ".owner")
        with open(owner, "rb") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_closing_leaves_nothing_of_its_own(tmp_path: Path) -> None:
    """The owner's file goes; closing again, or without ever having made a file, does nothing."""
    scratch = Scratch(str(tmp_path), Disk())
    make(scratch).unlink()

    scratch.close()
    scratch.close()

    assert list(tmp_path.iterdir()) == []
