"""Syncs in workers: what is told of them is what one process tells, whatever becomes of a worker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from entrepot import builtin
from entrepot.depot import Depot, open_depot
from entrepot.hooks.manager import Plugins
from entrepot.operations.status import status
from entrepot.operations.sync import sync
from entrepot.settings import load
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from entrepot.testing.invariants import check_depot
from integration import patience_plugin
from integration.dead_locks import dead_locks
from integration.program import Ended, Program, ended
from integration.upstream import FirmwareUpstream

PROCESSES = ("sync", "--executor", "processes")


@pytest.fixture
def upstream(origin: BadOrigin) -> FirmwareUpstream:
    """An upstream of three images."""
    made = FirmwareUpstream(origin)
    for number in range(3):
        made.add(f"image-{number}", b"x" * 1000 + bytes([number]))
    made.publish()
    return made


@contextmanager
def opened(program: Program) -> Iterator[Depot]:
    """The depot of the program, opened here: a command less to wait for."""
    settings = load(program.folder / "entrepot.toml", environ=program.environ)
    plugins = Plugins.load(builtin=builtin, extra=[("firmware", patience_plugin)], installed=False)
    with open_depot(settings, plugins, create=True) as depot:
        yield depot


def configured(program: Program, jobs: int, *, depot: Mapping[str, str] | None = None, **repositories: Any) -> None:
    """Write the configuration, with so many workers, and make the depot."""
    program.configure(repositories, **(depot or {}))
    file = program.folder / "entrepot.toml"
    file.write_text(f"{file.read_text()}\n[depot.executors.processes]\njobs = {jobs}\n")
    with opened(program):
        pass


def results(done: Ended) -> list[tuple[str, str]]:
    """The events that say what became of a sync; every line of stdout must be whole."""
    lines = [json.loads(line) for line in done.out.splitlines()]
    return sorted((line["repository"], line["event"]) for line in lines if line["event"] != "started")


def workers_of(process: asyncio.subprocess.Process) -> list[int]:
    """The processes that a process started; asked of the kernel."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def worker_on(process: asyncio.subprocess.Process, repository: str) -> int:
    """The worker that a repository was given to, by its command line."""
    lines = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in workers_of(process)}
    (worker,) = (pid for pid, words in lines.items() if repository.encode() in words)
    return worker


def renewed_long_ago(catalog: str) -> None:
    """Let every lease be as old as if its holder had been dead for hours."""
    address = make_url(catalog).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("UPDATE lease SET beat = 0")


def is_there(pid: int) -> bool:
    """Whether a process of this number runs."""
    return Path(f"/proc/{pid}").exists()


@pytest.mark.slow
@pytest.mark.sweep
async def test_four_workers_finish_on_one_sqlite_file(program: Program, upstream: FirmwareUpstream) -> None:
    """They take turns in writing; results and exit code are those of one process."""
    configured(
        program,
        4,
        **{f"r{number}": {"url": upstream.url} for number in range(4)},
        off={"url": upstream.origin.url("/absent")},
    )

    done = await program.run("--json", *PROCESSES)

    assert done.code == 3, done.err
    assert results(done) == [("off", "error"), *((f"r{number}", "synced") for number in range(4))]
    assert all(line.startswith("off: ") for line in done.err.splitlines())
    with opened(program) as depot:
        check_depot(depot)
        assert [(row.name, row.latest) for row in depot.catalog.reader.repositories() if row.latest] == [
            (f"r{number}", 1) for number in range(4)
        ]


@pytest.mark.slow
async def test_people_are_told_what_one_process_tells(program: Program, upstream: FirmwareUpstream) -> None:
    """The table has a row for each; progress is on stderr, after the name of the repository."""
    configured(program, 2, a={"url": upstream.url}, b={"url": upstream.url})

    done = await program.run(*PROCESSES, "b", "a", "b")

    assert done.code == 0, done.err
    heads, *rows = [line.split()[:3] for line in done.out.splitlines()]
    assert [heads, *rows[:2]] == [["repository", "version", "added"], ["b", "1", "3"], ["a", "1", "3"]]
    assert "a: made version 1; serve it: entrepot serve" in done.out
    assert {"a: syncing towards version 1", "b: syncing towards version 1"} <= {*done.err.splitlines()}


@pytest.mark.slow
async def test_a_worker_that_is_killed_takes_no_other_sync_with_it(
    program: Program, upstream: FirmwareUpstream, origin: BadOrigin
) -> None:
    """The signal is named, the repository is free, and the others are synced."""
    configured(program, 1, slow={"url": origin.url("/slow")}, quick={"url": upstream.url})
    origin.on("/slow", Reply(body=b"[]", stall=True, cut=1))

    syncing = await program.start("--json", *PROCESSES)
    await origin.arrived(1)
    (worker,) = workers_of(syncing)
    os.kill(worker, signal.SIGKILL)
    done = await ended(syncing)

    assert done.code == 1
    assert results(done) == [("quick", "synced"), ("slow", "error")]
    assert "the worker that synced 'slow' was ended by SIGKILL" in done.err
    origin.on("/slow", Reply(body=b"[]"))
    with opened(program) as depot:
        assert (await sync(depot, "slow")).repository == "slow"


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.promise("P18")
async def test_workers_on_one_server_harm_each_other_in_nothing(
    program: Program, upstream: FirmwareUpstream, postgres_url: str
) -> None:
    """Of five repositories that share their images one fails and one is killed: each is told, and the others stand.

    What the killed one held is free when its lease was not renewed for long enough, and is then taken over.
    """
    origin = upstream.origin
    origin.on("/slow", Reply(body=b"[]", stall=True, cut=1))
    good = {f"r{number}": {"url": upstream.url} for number in range(3)}
    bad = {"killed": {"url": origin.url("/slow")}, "off": {"url": origin.url("/absent")}}
    configured(program, 3, depot={"catalog": postgres_url}, **bad, **good)
    before = dead_locks(postgres_url)

    syncing = await program.start("--json", *PROCESSES, *bad, *good)
    while not origin.count("/slow"):
        await origin.arrived(len(origin.requests) + 1)
    os.kill(worker_on(syncing, "killed"), signal.SIGKILL)
    done = await ended(syncing)

    assert done.code == 3, done.err
    assert results(done) == [*((name, "error") for name in bad), *((name, "synced") for name in good)]
    assert "the worker that synced 'killed' was ended by SIGKILL" in done.err
    assert dead_locks(postgres_url) == before
    origin.on("/slow", Reply(body=b"[]"))
    with opened(program) as depot:
        check_depot(depot, ended=False)  # nobody ended the run of the killed one
        latest = {row.name: row.latest for row in depot.catalog.reader.repositories() if row.latest}
        assert latest == dict.fromkeys(good, 1)
        renewed_long_ago(postgres_url)
        assert (await sync(depot, "killed")).failed == 0
        check_depot(depot)


@pytest.mark.slow
@pytest.mark.fault("C03")
@pytest.mark.promise("P23")
@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.sweep), signal.SIGTERM], ids=["SIGINT", "SIGTERM"]
)
async def test_who_asks_for_the_end_gets_it_from_all_workers(
    program: Program, origin: BadOrigin, number: signal.Signals
) -> None:
    """Within ten seconds, with each run noted as cancelled and no worker left.

    A terminal sends its signal to all processes at once; workers are asked by their parent alone.
    """
    configured(program, 2, a={"url": origin.url("/slow")}, b={"url": origin.url("/slow")})
    origin.on("/slow", Reply(body=b"[]", stall=True, cut=1))

    syncing = await program.start(*PROCESSES, under=("setsid",))
    await origin.arrived(2)
    workers, began = workers_of(syncing), time.monotonic()
    os.killpg(syncing.pid, number)
    done = await ended(syncing)

    assert (done.code, time.monotonic() - began < 12) == (130, True)
    assert "a: error: interrupted" in done.err
    assert "b: error: interrupted" in done.err
    assert "Traceback" not in done.err
    assert [pid for pid in workers if is_there(pid)] == []
    with opened(program) as depot:
        assert [one.last_run for one in status(depot)] == ["cancelled", "cancelled"]
