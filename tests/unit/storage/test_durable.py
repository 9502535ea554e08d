"""Rounds, ways to sync them, and the choice between the ways."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from entrepot.model.digest import Digest
from entrepot.storage.disk import Disk
from entrepot.storage.durable import ROUND_BYTES, ROUND_FILES, Choice, SyncEach, SyncWhole, rounds
from entrepot.storage.incoming import Arrived
from entrepot.storage.scratch import Scratch

THREADS = 4


@pytest.fixture
def each() -> Iterator[SyncEach]:
    """Syncing file by file, in four threads."""
    with closing(SyncEach(Disk(), threads=THREADS)) as each:
        yield each


@pytest.fixture
def whole(tmp_path: Path) -> SyncWhole:
    """Syncing a file system that reports no errors."""
    return SyncWhole(Disk(), Scratch(str(tmp_path), Disk()), syncfs=lambda _: None)


def arrived(size: int) -> Arrived:
    """A file that says it has this size."""
    return Arrived(
        (Digest("sha256", bytes(32)),), size, body="/nowhere", files=Scratch("/nowhere", Disk()), disk=Disk()
    )


def test_a_round_has_so_many_files() -> None:
    """Durability is paid for by the round, and a round that fails costs no more than a round."""
    files = [arrived(1) for _ in range(2 * ROUND_FILES + 1)]

    parts = list(rounds(files))

    assert [len(part) for part in parts] == [ROUND_FILES, ROUND_FILES, 1]
    assert [file for part in parts for file in part] == files


def test_a_round_has_so_many_bytes() -> None:
    """Large files make small rounds; one that is larger than a round is one by itself."""
    sizes = [ROUND_BYTES // 2, ROUND_BYTES // 2, 1, 3 * ROUND_BYTES, 0, ROUND_BYTES]

    parts = [[file.size for file in part] for part in rounds([arrived(size) for size in sizes])]

    assert parts == [[sizes[0], sizes[1]], [1], [3 * ROUND_BYTES], [0, ROUND_BYTES]]


def test_work_is_shared_and_answers_keep_their_order(each: SyncEach) -> None:
    """Items go to the threads in a few large parts; a hop for each would cost more than it gives."""
    seen: set[int] = set()

    def work(item: int) -> int:
        seen.add(threading.get_ident())
        return item * 2

    assert each.share(work, range(1000)) == [item * 2 for item in range(1000)]
    assert len(seen) <= THREADS
    assert each.share(work, []) == []


def test_a_failure_is_raised_after_all_others_have_ended(each: SyncEach) -> None:
    """Nobody writes a file any more when its temporary name is cleaned up."""
    others_may_go, ended = threading.Event(), []

    def work(item: int) -> None:
        if item == 0:
            others_may_go.set()
            raise OSError("the disk is gone")
        others_may_go.wait()
        ended.append(item)

    with pytest.raises(OSError, match="the disk is gone"):
        each.share(work, range(THREADS))

    assert sorted(ended) == [1, 2, 3]


def test_a_few_files_are_synced_each(each: SyncEach, whole: SyncWhole) -> None:
    """One file that somebody waits for does not wait for all that others write to the disk."""
    choice = Choice(each, whole)

    assert choice.pick(1) is each
    assert choice.pick(2000) is whole
    assert Choice(each, None).pick(2000) is each


def test_the_faster_way_is_taken_and_the_other_looked_at_again(each: SyncEach, whole: SyncWhole) -> None:
    """A neighbour that writes much makes syncing the whole slow; when it is gone we come back."""
    choice, seconds = Choice(each, whole), {each: 0.5, whole: 2.0}

    picked = []
    for number in range(200):
        if number == 100:
            seconds[whole] = 0.05
        way = choice.pick(1000)
        choice.note(way, 1000, seconds[way])
        picked.append(way)

    assert picked[0] is whole
    assert picked[1:20].count(each) == 19
    assert 1 <= picked[1:100].count(whole) <= 5
    assert picked[-20:].count(whole) >= 19


def test_a_way_that_is_fast_enough_is_not_compared(each: SyncEach, whole: SyncWhole) -> None:
    """Trying the slow way only to learn that it is slow would cost a round of it."""
    choice = Choice(each, whole)

    for _ in range(100):
        way = choice.pick(2000)
        assert way is whole
        choice.note(way, 2000, 0.2)
