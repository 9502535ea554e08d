"""Upstreams that fail while an artifact is fetched: nothing is sent or kept wrong."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import shutil
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import ClientSession

from entrepot.depot import Depot
from entrepot.failpoints import arm
from entrepot.serve.on_demand import HELD_BACK, VERIFIED_FIRST
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from unit.serve.conftest import Open, Serve
from unit.serve.shelf import entry, stock

SMALL = random.Random(1).randbytes(100_000)
LARGE = random.Random(2).randbytes(3 * VERIFIED_FIRST)


def holds(depot: Depot, body: bytes) -> bool:
    """Whether storage has the bytes under their digest."""
    return depot.storage.holds(hashlib.sha256(body).digest())


def lose_storage(folder: Path) -> None:
    """Take away what the storage keeps its files in."""
    (files,) = folder.glob("**/storage/sha256")
    shutil.rmtree(files)


def temporary_files(folder: Path) -> list[str]:
    """Files that a download left behind."""
    return [path.name for path in folder.rglob("tmp/*") if path.stat().st_size]


@pytest.mark.fault("A10")
@pytest.mark.promise("P09", "P10")
@pytest.mark.parametrize("size", [True, False], ids=["size-known", "size-unknown"])
@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("fault", ["flipped", "short", "long", "cut"])
async def test_wrong_bytes_are_never_a_clean_end(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, *, body: bytes, size: bool, fault: str
) -> None:
    """A small body is refused before its first byte, a large one breaks off; nothing is kept."""
    depot = opened(tools={"url": stock(origin, {"a": body}, size=size), "policy": "on_demand"})
    wrong = {
        "flipped": Reply(body=body[:-1] + bytes([body[-1] ^ 1])),
        "short": Reply(body=body[:-1]),
        "long": Reply(body=body + b"x"),
        "cut": Reply(body=body, cut=len(body) - 1),
    }
    origin.on("/a", wrong[fault])

    async with serve(depot, "tools") as root:

        async def get() -> tuple[int, bytes | None]:
            async with client.get(f"{root}/tools/a") as answer:
                try:
                    return answer.status, await answer.read()
                except aiohttp.ClientPayloadError:
                    return answer.status, None

        answers = await asyncio.gather(*(get() for _ in range(5)))

    for status, received in answers:
        assert (status, received) == (200, None) or status in (502, 504)
    if body is SMALL:
        assert all(status == 502 for status, _ in answers)
    assert not holds(depot, body)


@pytest.mark.promise("P10")
async def test_a_large_body_is_passed_on_while_it_comes_save_for_its_end(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Clients wait neither for the last byte of a large file, nor get it unverified."""
    depot = opened(tools={"url": stock(origin, {"a": LARGE}), "policy": "on_demand"})
    origin.on("/a", Reply(body=LARGE, cut=len(LARGE) - 1, stall=True))

    async with serve(depot, "tools") as root, client.get(f"{root}/tools/a") as answer:
        received = await answer.content.readexactly(len(LARGE) // 2)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                async for piece in answer.content.iter_any():
                    received += piece

    assert len(LARGE) // 2 <= len(received) < len(LARGE) - HELD_BACK
    assert LARGE.startswith(received)


async def test_a_transfer_whose_source_begins_anew_breaks_off(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Bytes of two tries are never sewn together; who asks again gets the right ones."""
    depot = opened(tools={"url": stock(origin, {"a": LARGE}), "policy": "on_demand"})
    wrong = bytes(len(LARGE))
    origin.on("/a", Reply(body=wrong), Reply(body=LARGE))

    async with serve(depot, "tools") as root:
        async with client.get(f"{root}/tools/a") as answer:
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
        async with client.get(f"{root}/tools/a") as answer:
            assert await answer.read() == LARGE

    assert holds(depot, LARGE)


@pytest.mark.fault("A01")
@pytest.mark.promise("P25")
@pytest.mark.parametrize(("reply", "status"), [(Reply(status=404), 502), (Reply(status=500), 502)])
async def test_an_upstream_that_fails_is_told_in_one_line_and_left_alone_for_a_moment(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, reply: Reply, status: int
) -> None:
    """A crowd of clients does not hammer an upstream that has trouble."""
    depot = opened(tools={"url": stock(origin, {"a": SMALL}), "policy": "on_demand"})
    origin.on("/a", reply)

    async with serve(depot, "tools") as root:
        for _ in range(3):
            async with client.get(f"{root}/tools/a") as answer:
                text = await answer.text()
                assert answer.status == status
                assert answer.headers["Cache-Control"] == "no-store"
                assert text.count("\n") == 1

    assert origin.count("/a") == 1


@pytest.mark.fault("A06")
@pytest.mark.promise("P26")
async def test_an_upstream_that_stalls_is_a_gateway_timeout(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """The client learns which side was slow."""
    patience = {"connect_timeout": 0.5, "header_timeout": 0.5}
    depot = opened(tools={"url": stock(origin, {"a": SMALL}), "policy": "on_demand", **patience})
    origin.on("/a", Reply(body=SMALL, pause=30))

    async with serve(depot, "tools") as root, asyncio.timeout(10), client.get(f"{root}/tools/a") as answer:
        assert answer.status == 504


@pytest.mark.fault("D05")
@pytest.mark.promise("P35")
async def test_each_repository_uses_its_own_source(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """One digest in two repositories: what one upstream does is not the other's trouble."""
    good = json.dumps([entry("a", SMALL)]).encode()
    bad = json.dumps([{**entry("a", SMALL), "urls": ["bad"]}]).encode()
    origin.put("/a", SMALL)
    origin.on("/bad", Reply(status=404))
    depot = opened(
        one={"url": origin.put("/one.json", bad), "policy": "on_demand"},
        two={"url": origin.put("/two.json", good), "policy": "on_demand"},
    )

    async with serve(depot, "one", "two") as root:
        statuses = []
        for name in ("one", "two"):
            async with client.get(f"{root}/{name}/a") as answer:
                statuses.append(answer.status)

    assert statuses == [502, 200]


async def test_a_second_source_is_tried_when_the_first_fails(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """An artifact may be had at several places."""
    feed = json.dumps([{**entry("a", SMALL), "urls": ["gone", "a"]}]).encode()
    origin.put("/a", SMALL)
    depot = opened(tools={"url": origin.put("/feed.json", feed), "policy": "on_demand"})

    async with serve(depot, "tools") as root, client.get(f"{root}/tools/a") as answer:
        assert await answer.read() == SMALL


@pytest.mark.fault("D07")
@pytest.mark.promise("P28")
async def test_a_repository_that_is_no_longer_configured_serves_what_it_holds(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """What it does not hold cannot be fetched any more, and that is said."""
    tools = {"url": stock(origin, {"a": SMALL, "b": SMALL + b"b"}), "policy": "on_demand"}
    async with serve(opened(tools=tools), "tools") as root, client.get(f"{root}/tools/a") as answer:
        await answer.read()

    async with serve(opened()) as root:
        async with client.get(f"{root}/tools/a") as answer:
            assert await answer.read() == SMALL
        async with client.get(f"{root}/tools/b") as answer:
            assert answer.status == 502
            assert "no upstream" in await answer.text()


@pytest.mark.fault("C05")
@pytest.mark.promise("P24")
async def test_a_client_gets_its_bytes_also_when_they_cannot_be_kept(
    origin: BadOrigin,
    opened: Open,
    serve: Serve,
    client: ClientSession,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is wrong with the storage is logged; the next client waits for the upstream again."""
    depot = opened(tools={"url": stock(origin, {"a": SMALL}), "policy": "on_demand"})

    async with serve(depot, "tools") as root:
        lose_storage(tmp_path)
        for _ in range(2):
            async with client.get(f"{root}/tools/a") as answer:
                assert await answer.read() == SMALL

    assert "could not be kept" in caplog.text
    assert not holds(depot, SMALL)


async def test_a_server_that_stops_lets_go_of_everything(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, tmp_path: Path
) -> None:
    """A fetch under way is broken off; no temporary file stays."""
    depot = opened(tools={"url": stock(origin, {"a": LARGE}), "policy": "on_demand"})
    origin.on("/a", Reply(body=LARGE, cut=len(LARGE) // 2, stall=True))

    async def get(url: str) -> bytes:
        async with client.get(url) as answer:
            return await answer.read()

    async with serve(depot, "tools") as root:
        asking = asyncio.create_task(get(f"{root}/tools/a"))
        await origin.arrived(2)
    with pytest.raises(aiohttp.ClientError):
        await asking

    assert not holds(depot, LARGE)
    assert temporary_files(tmp_path) == []


@pytest.mark.fault("C01")
@pytest.mark.promise("P04")
@pytest.mark.parametrize("damage", [False, True], ids=["right", "wrong"])
async def test_bytes_that_were_stored_and_not_noted_are_not_fetched_again(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, tmp_path: Path, *, damage: bool
) -> None:
    """A fetch that failed before its row was committed left them; they are verified, and used if right."""
    depot = opened(tools={"url": stock(origin, {"a": SMALL}), "policy": "on_demand"})
    with ExitStack() as until_served:
        async with serve(depot, "tools") as root:
            armed = until_served.enter_context(arm("catalog.begin=raise@1"))
            async with client.get(f"{root}/tools/a") as answer:
                assert await answer.read() == SMALL
    assert armed.fired
    assert holds(depot, SMALL)
    if damage:
        path = depot.storage.path(hashlib.sha256(SMALL).digest())
        assert path is not None
        path.chmod(0o600)
        path.write_bytes(SMALL[:-1] + b"!")

    async with serve(depot) as root, client.get(f"{root}/tools/a") as answer:
        assert await answer.read() == SMALL

    assert origin.count("/a") == (2 if damage else 1)
