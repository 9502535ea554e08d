"""Many at once: syncs of one repository, of many that share their content, and clients of one artifact."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from entrepot.errors import RepositoryBusy
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
from integration.upstream import FirmwareUpstream

pytestmark = pytest.mark.slow

REPOSITORIES: Final = 12
PROCESSES: Final = 4
BLOCK: Final = random.Random(4).randbytes(1024 * 1024)


def configured(**upstreams: FirmwareUpstream) -> dict[str, Any]:
    return {name: {"type": "firmware", "url": each.url, "mirror": True} for name, each in upstreams.items()}


@pytest.mark.fault("D01")
@pytest.mark.promise("P17")
async def test_of_ten_syncs_of_one_repository_one_runs_at_a_time(open_depot: OpenDepot, origin: BadOrigin) -> None:
    """Each ends with a version, with none because nothing changed, or is told at once who is at it."""
    upstream = FirmwareUpstream(origin)
    for number in range(20):
        upstream.add(f"image-{number}", bytes([number]) * 5_000)
    upstream.publish()

    with open_depot(configured(fw=upstream)) as opened:
        outcomes = await asyncio.gather(*(sync(opened, "fw") for _ in range(10)), return_exceptions=True)

        made = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
        busy = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert len([outcome for outcome in made if outcome.version is not None]) == 1
        # Whoever looks before the holder has said its name is told of "another process".
        assert all(isinstance(error, RepositoryBusy) and "process" in error.what for error in busy), busy
        assert upstream.artifact_requests() == 20
        check_depot(opened, origin=origin)


@pytest.mark.power
@pytest.mark.postgres
@pytest.mark.fault("D02")
@pytest.mark.promise("P18")
async def test_twelve_repositories_with_the_same_content_from_four_processes(
    tmp_path: Path, postgres_url: str, origin: BadOrigin
) -> None:
    """Nine tenths of what each lists the others list too: no dead lock, and what a serial run would make.

    Each changes upstream and syncs again, so that shared rows are written, found and closed at once.
    """
    upstreams = {f"fw{number}": FirmwareUpstream(origin, f"/fw{number}") for number in range(REPOSITORIES)}
    order = {"folder": str(tmp_path / "depot"), "repositories": configured(**upstreams), "catalog": postgres_url}
    dice, before = random.Random(12), dead_locks(postgres_url)
    with opened_here(order):
        pass  # whoever comes first makes the catalog

    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(zygote()) for _ in range(PROCESSES)]
        for state in range(2):
            for name, upstream in upstreams.items():
                list_shared(upstream, name, state=state, dice=dice)
            shares = [list(upstreams)[place::PROCESSES] for place in range(PROCESSES)]
            await asyncio.gather(
                *(sync_there(worker, order, share) for worker, share in zip(workers, shares, strict=True))
            )

    with opened_here(order) as opened:
        for name, upstream in upstreams.items():
            assert [row.number for row in opened.catalog.reader.versions(name)] == [1, 2]
            assert held(opened, name, 2) == {f"{image}.bin": digest(body) for image, body in upstream.images.items()}
        check_depot(opened, origin=origin)
    assert dead_locks(postgres_url) == before


def list_shared(upstream: FirmwareUpstream, name: str, *, state: int, dice: random.Random) -> None:
    """List 27 images that all have, in an order of its own, and three that are its own."""
    upstream.images.clear()
    listed = [(f"shared-{number}", f"shared {number} {state if number % 9 == 0 else 0}") for number in range(27)]
    listed += [(f"own-{number}", f"own {number} of {name} {state}") for number in range(3)]
    dice.shuffle(listed)
    for image, words in listed:
        upstream.add(image, words.encode() * 100)
    upstream.publish()


async def sync_there(worker: Zygote, order: dict[str, Any], names: list[str]) -> None:
    ended = await worker.sync({**order, "names": names})
    assert ended["status"] == 0, ended


def opened_here(order: dict[str, Any]) -> Any:
    plugins = [("firmware", firmware)]
    return depot(
        Path(order["folder"]), order["repositories"], plugins=plugins, catalog=order["catalog"], installed=False
    )


def held(opened: Any, name: str, number: int) -> dict[str, bytes]:
    """The digest at each path of a version."""
    reader = opened.catalog.reader
    paths = [f"{json.loads(member.key)[1]}.bin" for member in reader.members(name, number)]
    return {path: reader.locate(name, number, path)[0].artifact.sha256 for path in paths}


def digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


@pytest.mark.power
@pytest.mark.postgres
@pytest.mark.fault("C20")
@pytest.mark.promise("P04", "P17")
async def test_a_process_that_slept_through_a_takeover_changes_nothing(
    tmp_path: Path, postgres_url: str, origin: BadOrigin
) -> None:
    """Stopped in the middle of a download, overtaken, woken: its sync fails, and the heir's version stands."""
    upstream, gate = FirmwareUpstream(origin), asyncio.Event()
    upstream.add("image", b"old")
    upstream.publish()
    origin.on("/fw/image.bin", Reply(body=b"old", gate=gate))
    order = {"folder": str(tmp_path / "depot"), "repositories": configured(fw=upstream), "catalog": postgres_url}
    order["planted"] = "short lease"

    async with zygote() as sleeping, zygote() as heirs:
        sleeper = await sleeping.begin(order)
        await origin.arrived(2)
        os.kill(sleeper["pid"], signal.SIGSTOP)
        upstream.add("image", b"new")
        upstream.publish()
        busy = 0
        while (heir := await heirs.sync(order))["status"]:
            assert "RepositoryBusy" in heir["outcome"]["error"], heir
            busy += 1
        os.kill(sleeper["pid"], signal.SIGCONT)
        gate.set()
        ended = await sleeping.ended()

    assert busy, "nobody had the lease"
    assert "LeaseLost" in ended["outcome"]["error"], ended
    with opened_here(order) as opened:
        assert [row.number for row in opened.catalog.reader.versions("fw")] == [1]
        assert held(opened, "fw", 1) == {"image.bin": digest(b"new")}
        check_depot(opened, origin=origin)


@asynccontextmanager
async def large_origin(blocks: int) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server of one body that is made while it is sent; its address, and what it was asked."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (blocks * len(BLOCK)))
        for body in large_body(blocks):
            writer.write(body)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/large.bin", asked


def large_body(blocks: int) -> Iterator[bytes]:
    for number in range(blocks):
        yield number.to_bytes(8, "big") + BLOCK[8:]


@pytest.mark.fault("D04")
@pytest.mark.promise("P22")
@pytest.mark.parametrize("blocks", [8, pytest.param(100, marks=pytest.mark.sweep)], ids=["8 MB", "100 MB"])
async def test_fifty_clients_of_one_cold_artifact_of_which_the_first_hangs_up(
    tmp_path: Path, origin: BadOrigin, blocks: int
) -> None:
    """Upstream is asked once; 49 get the right bytes, though the one that began the fetch is gone."""
    whole = hashlib.sha256()
    for block in large_body(blocks):
        whole.update(block)
    async with large_origin(blocks) as (url, asked):
        listed = {"name": "large", "file": "large.bin", "sha256": whole.hexdigest(), "size": blocks * len(BLOCK)}
        origin.put("/fw/feed.json", json.dumps([listed]).encode())
        origin.on("/fw/large.bin", Reply.redirect(url))
        table = {"type": "firmware", "url": origin.url("/fw/feed.json"), "policy": "on_demand", "allow_private": True}
        plugins = [("firmware", firmware)]
        with depot(tmp_path / "depot", {"fw": table}, plugins=plugins, installed=False) as opened:
            await sync(opened, "fw")
            path = opened.catalog.audit.paths("fw", 1)[0]
            async with served(opened) as address, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as ask:
                async with ask.get(f"{address}/fw/{path}") as first:
                    await first.content.readany()
                    first.close()
                digests = await asyncio.gather(*(hashed(ask, f"{address}/fw/{path}") for _ in range(49)))

        assert set(digests) == {whole.hexdigest()}
        assert len(asked) == 1


async def hashed(client: aiohttp.ClientSession, url: str) -> str:
    """The digest of a body that is never held whole."""
    seen = hashlib.sha256()
    async with client.get(url) as answer:
        async for piece in answer.content.iter_any():
            seen.update(piece)
    return seen.hexdigest()
