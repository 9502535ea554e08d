"""Several processes on one depot: servers, syncs and prunes of the same bytes, and readers who follow along."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

import entrepot_file.plugin
from entrepot.depot import Depot
from entrepot.operations.prune import prune
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from entrepot.testing.depots import depot
from entrepot.testing.invariants import check_depot
from entrepot.testing.serving import served
from integration import firmware
from integration.dead_locks import dead_locks
from integration.forked import Zygote, zygote
from integration.opening import OpenDepot
from integration.program import Program, stopped
from integration.upstream import FirmwareUpstream

pytestmark = pytest.mark.slow

#: The sweep tries PostgreSQL too: pytest -m sweep tests/integration/test_side_by_side.py
ON_BOTH: Final = pytest.mark.parametrize(
    "any_catalog", ["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.sweep])], indirect=True
)

LARGE: Final = random.Random(19).randbytes(4_000_000)
KEPT: Final = 3
NAMES: Final = tuple(f"{number}.bin" for number in range(4))


@pytest.mark.power
@pytest.mark.fault("C19")
@pytest.mark.promise("P04", "P09", "P22")
async def test_of_two_servers_that_fetch_one_file_one_is_killed(origin: BadOrigin, program: Program) -> None:
    """Each asks upstream once; who asked the other has its bytes, and so has everybody afterwards, from the disk."""
    upstream = FirmwareUpstream(origin)
    upstream.add("cold", LARGE)
    upstream.publish()
    program.configure({"fw": {"url": upstream.url, "policy": "on_demand"}})
    assert (await program.run("init")).code == 0
    assert (await program.run("sync")).code == 0
    origin.on("/fw/cold.bin", Reply(body=LARGE, trickle=0.02))
    (first, one), (second, other) = await program.serve(), await program.serve()

    async with aiohttp.ClientSession() as client:
        async with client.get(f"{one}/fw/cold.bin") as begun:
            await begun.content.readexactly(100_000)
            whole = asyncio.create_task(got(client, f"{other}/fw/cold.bin"))
            await origin.arrived(3)
            first.kill()
            with pytest.raises(aiohttp.ClientError):
                await begun.read()
        assert await whole == LARGE
        third, address = await program.serve()
        assert await got(client, f"{address}/fw/cold.bin") == LARGE

    assert upstream.artifact_requests() == 2
    assert (await stopped(second)).code == 0
    assert (await stopped(third)).code == 0
    assert (await program.run("verify")).code == 0
    assert program.litter() == []


async def got(client: aiohttp.ClientSession, url: str) -> bytes:
    """A whole answer."""
    async with client.get(url) as answer:
        assert answer.status == 200, (url, answer.status, await answer.text())
        return await answer.read()


@ON_BOTH
@pytest.mark.power
@pytest.mark.fault("D10", "D03")
@pytest.mark.promise("P19")
async def test_the_same_bytes_come_in_three_times_while_they_are_collected(
    tmp_path: Path, any_catalog: str | None, origin: BadOrigin
) -> None:
    """Two syncs and a server bring what a prune without patience is taking away, each in a process of its own."""
    upstreams = {name: FirmwareUpstream(origin, f"/{name}") for name in ("one", "two", "cold")}
    tables: dict[str, Any] = {
        name: {"type": "firmware", "url": each.url, "mirror": True, "guard_loss": "100 %"}
        for name, each in upstreams.items()
    }
    tables["cold"]["policy"] = "on_demand"
    before = dead_locks(any_catalog) if any_catalog is not None else 0
    order = {"folder": str(tmp_path / "depot"), "repositories": tables, "catalog": any_catalog, "patience": 0.0}
    order["rounds"] = 20
    states = [{f"image-{n}": f"{state} {n}".encode() * 5_000 for n in range(6)} for state in ("odd", "even")]

    async with AsyncExitStack() as stack:
        opened = stack.enter_context(
            depot(tmp_path / "depot", tables, plugins=[("firmware", firmware)], catalog=any_catalog, installed=False)
        )
        one, two, sweeper = [await stack.enter_async_context(zygote()) for _ in range(3)]
        address = await stack.enter_async_context(served(opened))
        ended = asyncio.Event()
        pruning = asyncio.create_task(keep_pruning(sweeper, order, ended))
        try:
            for turn in range(6):
                offer(upstreams.values(), states[turn % 2])
                async with asyncio.TaskGroup() as tasks:
                    for worker, name in ((one, "one"), (two, "two")):
                        tasks.create_task(brought(worker, order, name))
                    tasks.create_task(fetched(opened, address, states[turn % 2]))
        finally:
            ended.set()
            collected = await pruning

        for name in ("one", "two"):
            assert [row.number for row in opened.catalog.reader.versions(name)][-1] == 6
        check_depot(opened, origin=origin)
    assert collected > 0, "nothing was collected beside them"
    assert any_catalog is None or dead_locks(any_catalog) == before


def offer(upstreams: Iterable[FirmwareUpstream], bodies: Mapping[str, bytes]) -> None:
    """Let each of them have these images and no others."""
    for upstream in upstreams:
        upstream.images.clear()
        for name, body in bodies.items():
            upstream.add(name, body)
        upstream.publish()


async def keep_pruning(sweeper: Zygote, order: dict[str, Any], ended: asyncio.Event) -> int:
    """Prune again and again, in processes that each do it twenty times; how many artifacts went."""
    collected = 0
    while not ended.is_set():
        done = await sweeper.sync({**order, "do": "prune"})
        assert done["status"] == 0, done
        collected += sum(line["artifacts"] for line in done["outcome"] if line["event"] == "pruned")
    return collected


async def brought(worker: Zygote, order: dict[str, Any], name: str) -> None:
    """Sync in a process of its own."""
    done = await worker.sync({**order, "names": [name]})
    assert done["status"] == 0, done


async def fetched(opened: Depot, address: str, bodies: Mapping[str, bytes]) -> None:
    """Sync what is fetched on demand, and fetch all of it."""
    await sync(opened, "cold")
    async with aiohttp.ClientSession() as client:
        for name, body in bodies.items():
            assert await got(client, f"{address}/cold/{name}.bin") == body


@ON_BOTH
@pytest.mark.fault("D11")
@pytest.mark.promise("P01", "P02")
async def test_readers_follow_the_list_while_versions_come_and_go(tmp_path: Path, open_depot: OpenDepot) -> None:
    """A version's own URL gives one state or is gone; the bare name gives whole files, each of some state."""
    folder = tmp_path / "upstream"
    url = (offered(folder, 0) / "PULP_MANIFEST").as_uri()
    table = {"type": "file", "url": url, "mirror": True, "allow_private": True, "guard_loss": "100 %"}
    plugins = [("file", entrepot_file.plugin)]
    with open_depot({"files": table}, plugins=plugins) as opened:
        await sync(opened, "files")
        async with served(opened) as address, aiohttp.ClientSession() as client:
            ended = asyncio.Event()
            readers = [asyncio.create_task(follow(client, f"{address}/files", opened, ended)) for _ in range(3)]
            for state in range(1, 9):
                offered(folder, state)
                await sync(opened, "files")
                await asyncio.to_thread(prune, opened, keep=KEPT, patience=0)
            ended.set()
            seen = await asyncio.gather(*readers)

    assert len(set().union(*seen)) > KEPT, seen


def offered(folder: Path, state: int) -> Path:
    """Let upstream be in a state: the same names, with other bytes in each."""
    folder.mkdir(exist_ok=True)
    lines = []
    for name in NAMES:
        body = f"{state} {name} ".encode() * 10_000
        (folder / name).write_bytes(body)
        lines.append(f"{name},{hashlib.sha256(body).hexdigest()},{len(body)}\n")
    (folder / "PULP_MANIFEST").write_text("".join(lines))
    return folder


async def follow(client: aiohttp.ClientSession, root: str, opened: Depot, ended: asyncio.Event) -> set[int]:
    """Read the list and all that it names, over and over; the states that were seen."""
    seen = set()
    while not ended.is_set():
        number = (await asyncio.to_thread(opened.catalog.reader.versions, "files"))[-1].number
        seen |= await follow_version(client, f"{root}@{number}", opened, number)
        for name in NAMES:
            seen.add(state_of(name, await got(client, f"{root}/{name}")))
    return seen


async def follow_version(client: aiohttp.ClientSession, root: str, opened: Depot, number: int) -> set[int]:
    """The one state of a version; nothing once it was pruned."""
    states, listed = set(), await got_or_gone(client, f"{root}/PULP_MANIFEST", opened, number)
    for line in (listed or b"").decode().splitlines():
        name, digest, size = line.split(",")
        body = await got_or_gone(client, f"{root}/{name}", opened, number)
        if body is None:
            return set()
        assert (hashlib.sha256(body).hexdigest(), len(body)) == (digest, int(size))
        states.add(state_of(name, body))
    assert len(states) == (listed is not None), f"version {number} mixes states {states}"
    return states


async def got_or_gone(client: aiohttp.ClientSession, url: str, opened: Depot, number: int) -> bytes | None:
    """A whole answer; None when the version was pruned, as it may be once so many came after it."""
    async with client.get(url) as answer:
        if answer.status == 200:
            return await answer.read()
        newest = (await asyncio.to_thread(opened.catalog.reader.versions, "files"))[-1].number
        assert (answer.status, newest >= number + KEPT) == (410, True), (url, newest, await answer.text())
        return None


def state_of(name: str, body: bytes) -> int:
    """The state that bytes are of, all of them."""
    state = int(body.partition(b" ")[0])
    assert body == f"{state} {name} ".encode() * 10_000
    return state
