"""Leases: one run at a time writes a repository, and one that lost it writes nothing more."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from entrepot.catalog import runs
from entrepot.catalog.catalog import Catalog
from entrepot.catalog.condemning import live_runs
from entrepot.catalog.leases import Claim
from entrepot.catalog.sqlite import SqliteDatabase
from entrepot.catalog.statement import StatementCount
from entrepot.catalog.writing import Writer
from entrepot.errors import LeaseLost, RepositoryBusy
from entrepot.model.ledger import Changes, Ledger, Source
from unit.catalog.saying import a_run, declare, holding, kept, names, overtake, page, said, sync

TERM = 0.6
TESTS = Path(__file__).parents[2]


class Child:
    """A sync in another process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def read(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    def write(self, order: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{order}\n".encode())

    async def ask(self, order: str = "declare") -> str:
        self.write(order)
        return await self.read()


@asynccontextmanager
async def child(url: str, locks: Path, name: str = "tools") -> AsyncIterator[Child]:
    """Start a sync that holds its lease, and end it."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    command = [sys.executable, str(Path(__file__).parent / "a_run.py"), url, str(locks), str(TERM), name]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environment)
    started = Child(process)
    try:
        assert await started.read() == "begun"
        yield started
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def soon(catalog: Catalog) -> Ledger:
    """Take the lease as soon as it can be had; a dead run's ends by the database's clock."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await catalog.begin(a_run())
            except RepositoryBusy:
                await asyncio.sleep(TERM / 10)


@pytest.fixture
def heir(catalog_url: str, tmp_path: Path) -> Iterator[Catalog]:
    """A catalog that takes leases over after a short while."""
    opened = Catalog.open(catalog_url, locks=tmp_path / "locks", term=TERM)
    yield opened
    opened.close()


@pytest.mark.fault("D01")
@pytest.mark.promise("P17")
async def test_a_second_run_is_told_who_is_at_it(heir: Catalog) -> None:
    """At once, with the process to look for and what to do; other repositories are free."""
    await heir.begin(a_run())

    with pytest.raises(RepositoryBusy, match=f"process {os.getpid()} on ") as busy:
        await heir.begin(a_run())

    assert "wait" in busy.value.remedy
    await heir.begin(a_run("another"))


@pytest.mark.parametrize("ending", ["complete", "finish"])
async def test_a_run_that_ended_leaves_the_repository_free(heir: Catalog, ending: str) -> None:
    """Whichever way it ended, the next can begin at once."""
    ledger = await heir.begin(a_run())
    if ending == "complete":
        await ledger.complete(fingerprint="", report={})
    else:
        await ledger.finish("cancelled", {})

    assert (await heir.begin(a_run())).run > ledger.run


async def test_a_version_that_became_visible_is_not_undone_by_who_was_cancelled_meanwhile(heir: Catalog) -> None:
    """The commit counts, also when nobody waits for its answer any more; the repository is free afterwards."""
    ledger = await heir.begin(a_run())
    await declare(ledger, said("a"))
    completing = asyncio.ensure_future(ledger.complete(fingerprint="", report={}))
    await asyncio.sleep(0)
    while not heir.reader.versions("tools"):
        pass  # without letting the loop go on: the commit is made, and its answer not yet read

    completing.cancel()
    await asyncio.wait([completing])
    await ledger.finish("cancelled", {})

    assert [row.members for row in heir.reader.versions("tools")] == [1]
    assert names(heir, 1) == holding(said("a"))
    assert (await heir.begin(a_run())).number == 2


async def test_a_name_may_hold_anything_and_never_leaves_the_folder_of_locks(heir: Catalog, tmp_path: Path) -> None:
    """Names of repositories are not names of files."""
    for name in ("../up", "..", "a/b", "ünï", "a b"):
        await (await heir.begin(a_run(name))).finish("unchanged", {})

    assert [row.name for row in heir.reader.repositories()] == sorted(("../up", "..", "a/b", "ünï", "a b"))
    assert not (tmp_path / "up.lock").exists()


@pytest.mark.promise("P23")
async def test_cancelling_the_wait_for_a_lease_gives_it_back(heir: Catalog) -> None:
    """Nobody is left holding what nobody got: who comes next finds it free, at once."""
    waiting = asyncio.ensure_future(heir.begin(a_run()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    await (await heir.begin(a_run())).finish("unchanged", {})


@pytest.mark.fault("C02")
@pytest.mark.promise("P04", "P08")
@pytest.mark.power
async def test_a_killed_run_is_undone_by_the_next(heir: Catalog, catalog_url: str, tmp_path: Path) -> None:
    """kill -9 leaves the version before as it was; the next run needs no manual step."""
    await sync(heir, said("a"), said("b"))
    for kills in range(3):
        async with child(catalog_url, tmp_path / "locks") as victim:
            for _ in range(kills):
                assert await victim.ask() == "done"
            victim.write("declare")
            victim.process.kill()
            await victim.process.wait()

        assert names(heir, 1) == holding(said("a"), said("b"))
        ledger = await soon(heir)
        assert (ledger.number, ledger.recovered) == (2, True)
        assert await ledger.changes() == Changes(added=0, changed=0, removed=0, unchanged=2)
        await ledger.finish("unchanged", {})
        following = await heir.begin(a_run())
        assert not following.recovered
        await following.finish("unchanged", {})


@pytest.mark.fault("D01")
@pytest.mark.promise("P17")
@pytest.mark.power
async def test_processes_take_turns_and_lose_nothing(heir: Catalog, catalog_url: str, tmp_path: Path) -> None:
    """Several write different repositories of one catalog at once, transaction by transaction."""
    repositories = [f"repository-{number}" for number in range(3)]

    async def write(name: str) -> list[str]:
        async with child(catalog_url, tmp_path / "locks", name) as writer:
            return [await writer.ask() for _ in range(8)] + [await writer.ask("complete")]

    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(write(name) for name in repositories))

    assert answers == [["done"] * 9] * 3
    for name in repositories:
        assert len(heir.reader.members(name, 1, limit=5000)) == 901
    if catalog_url.startswith("sqlite"):
        with closing(sqlite3.connect(catalog_url.removeprefix("sqlite:///"))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.fault("C20")
@pytest.mark.power
@pytest.mark.postgres
async def test_a_run_that_slept_through_a_takeover_writes_nothing(postgres_url: str, tmp_path: Path) -> None:
    """Stopped, overtaken, woken: every call says that the lease is lost; the new version has none of it."""
    Catalog.open(postgres_url, locks=tmp_path, create=True).close()
    heir = Catalog.open(postgres_url, locks=tmp_path, term=TERM)
    await sync(heir, said("a"), said("b"))
    async with child(postgres_url, tmp_path) as sleeper:
        assert await sleeper.ask() == "done"
        os.kill(sleeper.process.pid, signal.SIGSTOP)

        ledger = await soon(heir)
        await declare(ledger, said("a", "new"), said("c"))
        os.kill(sleeper.process.pid, signal.SIGCONT)
        assert await sleeper.ask("complete") == "LeaseLost"
        await ledger.remove_undeclared()
        await ledger.complete(fingerprint="", report={})

    assert names(heir, 2) == holding(said("a", "new"), said("c"))
    assert heir.reader.locate("tools", 2, "index") == []
    heir.close()


@pytest.mark.fault("C20")
@pytest.mark.power
async def test_a_stopped_run_is_named_and_its_file_not_touched(sqlite_url: str, tmp_path: Path) -> None:
    """On SQLite the kernel holds the lease for as long as there is a process; killing it frees it."""
    catalog = Catalog.open(sqlite_url, locks=tmp_path / "locks")
    async with child(sqlite_url, tmp_path / "locks") as sleeper:
        assert await sleeper.ask() == "done"
        os.kill(sleeper.process.pid, signal.SIGSTOP)

        with pytest.raises(RepositoryBusy, match=f"process {sleeper.process.pid} on "):
            await catalog.begin(a_run())

        os.kill(sleeper.process.pid, signal.SIGKILL)
        await sleeper.process.wait()
    ledger = await catalog.begin(a_run())
    assert ledger.recovered
    assert not await ledger.changes()
    catalog.close()


class SlowLook(SqliteDatabase):
    """A catalog that is slow to find out whether a lease is dead."""

    def __init__(self, url: str, locks: Path) -> None:
        super().__init__(Path(url.removeprefix("sqlite:///")), locks=locks, patience=10.0)
        self.looking, self.go_on = threading.Event(), threading.Event()

    def claim_alone(self, repository: str) -> Claim:
        claim = super().claim_alone(repository)
        if threading.current_thread() is not threading.main_thread() and not self.looking.is_set():
            self.looking.set()
            assert self.go_on.wait(20)
        return claim


@pytest.mark.fault("D01", "C20")
@pytest.mark.promise("P17")
async def test_who_begins_while_a_prune_looks_for_the_dead_is_not_refused(sqlite_url: str, tmp_path: Path) -> None:
    """To look whether a lease is dead one has to hold it; a sync that starts just then waits for that moment."""
    pruning = SlowLook(sqlite_url, tmp_path)
    writer = Writer(pruning, StatementCount())
    claim = pruning.claim("tools")
    dead = runs.begin(writer, claim, a_run(), now=1.0).run
    claim.close()  # as the kernel does when a process dies
    with closing(Catalog.open(sqlite_url, locks=tmp_path)) as catalog:
        looking = asyncio.create_task(asyncio.to_thread(live_runs, pruning, writer))
        assert await asyncio.to_thread(pruning.looking.wait, 20)

        beginning = asyncio.create_task(catalog.begin(a_run()))
        await asyncio.wait([beginning], timeout=0.5)  # as long as a refusal would take; none comes
        pruning.go_on.set()

        assert await looking == []
        ledger = await beginning
        assert ledger.run > dead.id
        await ledger.complete(fingerprint="", report={})
    writer.close()
    pruning.close()


async def refuse_and_look(ledger: Ledger) -> object:
    """Refuse something, and ask what it comes to, before which it is written."""
    await ledger.refuse([], evict=["x"])
    return await ledger.changes()


@pytest.mark.fault("C20", "S05")
async def test_every_call_that_writes_is_fenced(heir: Catalog, catalog_url: str, tmp_path: Path) -> None:
    """Once another run has raised the token, nothing gets through, on either database."""
    calls: dict[str, Callable[[Ledger], Awaitable[object]]] = {
        "save_contents": lambda ledger: ledger.save_contents([said("x")]),
        "associate": lambda ledger: declare(ledger, said("b")),
        "publish": lambda ledger: ledger.publish([page("a", "b")]),
        "unpublish": lambda ledger: ledger.unpublish(["a"]),
        "save_artifacts": lambda ledger: ledger.save_artifacts([kept("body")]),
        "note_sources": lambda ledger: ledger.note_sources([Source(1, "path", ("url",))]),
        "refuse": refuse_and_look,
        "complete": lambda ledger: ledger.complete(fingerprint="", report={}),
        "finish": lambda ledger: ledger.finish("failed", {}),
    }
    for name, call in calls.items():
        ledger = await heir.begin(a_run(name))
        overtake(catalog_url, name)

        with pytest.raises(LeaseLost, match=name):
            await call(ledger)
