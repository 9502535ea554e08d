"""Many small bodies, kept by another process."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from entrepot.errors import DepotError
from entrepot.failpoints import arm
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.storage.incoming import Arrived
from entrepot.storage.keeper import Keeper
from entrepot.testing.storage_contract import keep, read, received, sha256_of
from unit.storage.pulled_plug import wrong_files

MANY = 256


def bodies(seed: str, count: int = MANY) -> list[bytes]:
    """So many bodies that nobody else has."""
    return [f"{seed} {number}".encode() for number in range(count)]


def children() -> list[int]:
    """Numbers of the processes that this one has begun."""
    told = [file.read_text() for file in Path("/proc/self/task").glob("*/children")]
    return [int(number) for line in told for number in line.split()]


def standing(root: Path) -> int:
    """How many files there are, temporary ones too."""
    return sum(1 for file in root.rglob("*") if file.is_file() and file.suffix != ".owner")


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[FilesystemStorage]:
    """A storage whose process is the only one that this one has."""
    already = set(children())
    with closing(FilesystemStorage(tmp_path)) as storage:
        storage.prepare()
        yield storage
    assert set(children()) <= already


@pytest.fixture
def process(storage: FilesystemStorage) -> int:
    """The other process, which has kept some already."""
    already = set(children())
    keep(storage, *bodies("first"))
    (number,) = set(children()) - already
    return number


def test_many_bodies_are_kept_as_few_are(storage: FilesystemStorage, tmp_path: Path, process: int) -> None:
    """Same names, same mode, right bytes, no litter; one process for all rounds, its end with the storage's."""
    already = set(children())

    kept = keep(storage, *bodies("second"))

    assert [row.sha256 for row in kept] == [sha256_of(body) for body in bodies("second")]
    assert all(row.recheck is None for row in kept)
    assert [read(storage, body) for body in bodies("second")] == bodies("second")
    assert wrong_files(tmp_path) == []
    assert {file.stat().st_mode & 0o777 for file in tmp_path.glob("sha256/*/*")} == {0o444}
    assert standing(tmp_path) == 2 * MANY
    assert process in already
    assert set(children()) == already


def test_a_few_bodies_begin_no_process(storage: FilesystemStorage) -> None:
    """It would take longer to begin than they take."""
    already = children()

    keep(storage, *bodies("few", MANY - 1))

    assert children() == already


def test_a_process_that_has_begun_is_asked_for_some_too(storage: FilesystemStorage, process: int) -> None:
    """The last round of a sync is as large as it happens to be; a stopped process shows who is asked."""
    os.kill(process, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        few, some = (pool.submit(keep, storage, *bodies(name, count)) for name, count in (("few", 31), ("some", 32)))
        few.result(timeout=30)
        with pytest.raises(TimeoutError):
            some.result(timeout=0.2)
        os.kill(process, signal.SIGCONT)
        assert len(some.result(timeout=30)) == 32


def test_large_bodies_among_many_small_ones_are_kept_too(storage: FilesystemStorage, tmp_path: Path) -> None:
    """They lie in files already, so they stay with who wrote those."""
    large = [bytes([number]) * 200_000 for number in range(3)]

    keep(storage, *bodies("small"), *large, *bodies("small")[:5])

    assert [len(read(storage, body)) for body in large] == [200_000] * 3
    assert standing(tmp_path) == MANY + 3


def test_what_stood_there_already_is_to_be_looked_at_again(storage: FilesystemStorage, process: int) -> None:
    """Somebody may take it away before its row is saved, as where it is found by this process."""
    os.kill(process, 0)

    found = keep(storage, *bodies("first"))

    assert all(row.recheck is not None and row.recheck() for row in found)


@pytest.mark.fault("C02")
@pytest.mark.promise("P04")
def test_a_process_that_was_killed_is_missed_by_nobody(
    storage: FilesystemStorage, tmp_path: Path, process: int
) -> None:
    """The bytes are still here: they are kept here, and so is what comes after."""
    os.kill(process, signal.SIGKILL)

    keep(storage, *bodies("second"))
    keep(storage, *bodies("third"))

    assert [read(storage, body) for body in bodies("third")] == bodies("third")
    assert standing(tmp_path) == 3 * MANY
    assert process not in children()


@pytest.mark.fault("C02")
@pytest.mark.promise("P04")
def test_a_process_that_is_killed_in_a_round_leaves_it_to_this_one(
    storage: FilesystemStorage, tmp_path: Path, process: int
) -> None:
    """What it had placed by then counts as found; what it had not is placed now."""
    os.kill(process, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        keeping = pool.submit(keep, storage, *bodies("second", 20 * MANY))
        time.sleep(0.05)
        os.kill(process, signal.SIGCONT)
        while standing(tmp_path) < 2 * MANY and not keeping.done():
            pass
        os.kill(process, signal.SIGKILL)
        keeping.result(timeout=30)

    assert all(storage.holds(sha256_of(body), len(body)) for body in bodies("second", 20 * MANY))
    assert wrong_files(tmp_path) == []


def test_a_process_that_says_something_else_is_not_asked_again(
    storage: FilesystemStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where an installation greets whoever begins a Python."""
    (tmp_path / "greeting").mkdir()
    (tmp_path / "greeting" / "sitecustomize.py").write_text("print('good morning')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "greeting"), prepend=os.pathsep)
    already = set(children())

    keep(storage, *bodies("first"))
    keep(storage, *bodies("second"))

    assert all(storage.holds(sha256_of(body)) for body in bodies("first") + bodies("second"))
    assert set(children()) == already


@pytest.mark.fault("C08")
def test_a_disk_that_takes_no_more_is_told_by_this_process(
    storage: FilesystemStorage, tmp_path: Path, process: int
) -> None:
    """With the reason that the kernel gave there; nothing half written stays, and the next round is kept."""
    resource.prlimit(process, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    with pytest.raises(DepotError, match="File too large"):
        keep(storage, *bodies("second"))

    assert standing(tmp_path) == MANY
    resource.prlimit(process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    keep(storage, *bodies("second"))
    assert standing(tmp_path) == 2 * MANY
    assert process in children()


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_who_asks_does_and_not_before(
    storage: FilesystemStorage, process: int, told: signal.Signals
) -> None:
    """Signals that go to a whole group are for who asks, which may have more to keep before it ends."""
    os.kill(process, told)

    keep(storage, *bodies("second"))

    assert process in children()


@pytest.mark.fault("C02")
def test_it_makes_nothing_for_who_is_gone(tmp_path: Path) -> None:
    """After a kill nobody saves rows for what it would keep."""
    FilesystemStorage(tmp_path).prepare()
    nobody = "0"
    command = [sys.executable, "-P", "-m", "entrepot.storage.keeping", str(tmp_path), "auto", "60", nobody]

    ended = subprocess.run(
        command, input=pickle.dumps([(sha256_of(b"x"), b"x")]), capture_output=True, check=True, timeout=30
    )

    assert ended.stdout == b""
    assert standing(tmp_path) == 0


def test_it_ends_when_nobody_asks_and_begins_again(storage: FilesystemStorage, tmp_path: Path) -> None:
    """A server that once fetched much does not hold it for ever."""

    def arrived(name: str) -> list[Arrived]:
        return [cast("Arrived", received(storage, body)) for body in bodies(name)]

    keeper, already = Keeper(tmp_path, sync="auto", idle=0.5), set(children())
    with closing(keeper):
        assert len(keeper.keep(arrived("first"))) == MANY
        (first,) = set(children()) - already
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)

        assert len(keeper.keep(arrived("second"))) == MANY
        (second,) = set(children()) - already
        assert second != first
    assert standing(tmp_path) == 2 * MANY
    assert [file.name for file in (tmp_path / "tmp").glob("*.owner")] == []


def test_failpoints_are_met_in_the_process_that_armed_them(storage: FilesystemStorage) -> None:
    """Who counts steps counts all of them."""
    already = children()

    with arm() as armed:
        keep(storage, *bodies("counted"))

    assert armed.hits["storage.link"] == MANY
    assert children() == already


@pytest.mark.parametrize("program", ["", "/usr/bin/something-that-embeds-python"])
def test_a_program_that_is_no_interpreter_is_not_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """What it would do with our words nobody knows."""
    already = children()
    monkeypatch.setattr(sys, "executable", program)
    with closing(FilesystemStorage(tmp_path)) as storage:
        storage.prepare()

        keep(storage, *bodies("here"))

        assert children() == already
        assert standing(tmp_path) == MANY


def test_rounds_of_several_threads_do_not_mix(storage: FilesystemStorage, tmp_path: Path) -> None:
    """Each gets the answer to its own."""
    begin = threading.Barrier(4)

    def one(name: str) -> list[bytes]:
        begin.wait()
        return [row.sha256 for row in keep(storage, *bodies(name))]

    with ThreadPoolExecutor(4) as pool:
        kept = list(pool.map(one, "abcd"))

    assert kept == [[sha256_of(body) for body in bodies(name)] for name in "abcd"]
    assert standing(tmp_path) == 4 * MANY
