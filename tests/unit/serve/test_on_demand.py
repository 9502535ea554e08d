"""Artifacts that are not here yet: fetched once, kept, and whose they are."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import Sequence

import pytest
from aiohttp import ClientSession

from entrepot.depot import Depot
from entrepot.model.incoming import Received
from entrepot.model.ledger import KeptArtifact
from entrepot.operations.sync import sync
from entrepot.serve.on_demand import VERIFIED_FIRST
from entrepot.storage.filesystem import FilesystemStorage
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from entrepot.testing.invariants import check_depot
from unit.serve.conftest import Open, Serve
from unit.serve.shelf import entry, stock

SMALL = random.Random(1).randbytes(100_000)
LARGE = random.Random(2).randbytes(3 * VERIFIED_FIRST)


def holds(depot: Depot, body: bytes) -> bool:
    """Whether storage has the bytes under their digest."""
    return depot.storage.holds(hashlib.sha256(body).digest())


@pytest.mark.fault("D04")
@pytest.mark.promise("P22")
@pytest.mark.parametrize("body", [SMALL, LARGE, b""], ids=["small", "large", "empty"])
@pytest.mark.parametrize("size", [True, False], ids=["size-known", "size-unknown"])
async def test_fifty_clients_make_one_upstream_request(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, body: bytes, size: bool
) -> None:
    """All get the right bytes, which are kept; a later client is served without the upstream."""
    depot = opened(tools={"url": stock(origin, {"a": body}, size=size), "policy": "on_demand"})

    async with serve(depot, "tools") as root:

        async def get() -> bytes:
            async with client.get(f"{root}/tools/a") as answer:
                assert answer.status == 200
                return await answer.read()

        bodies = await asyncio.gather(*(get() for _ in range(50)))
        later = await get()

    assert all(received == body for received in (*bodies, later))
    assert origin.count("/a") == 1
    assert holds(depot, body)


async def test_what_was_fetched_is_known_after_a_restart(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """It is kept in storage and catalog, not in the server."""
    depot = opened(tools={"url": stock(origin, {"a": SMALL}), "policy": "on_demand"})

    async with serve(depot, "tools") as root, client.get(f"{root}/tools/a") as answer:
        await answer.read()
    async with serve(depot) as root, client.get(f"{root}/tools/a") as answer:
        assert await answer.read() == SMALL

    assert origin.count("/a") == 1


async def test_a_streamed_repository_keeps_nothing(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Each client that comes later is served from the upstream again."""
    depot = opened(tools={"url": stock(origin, {"a": SMALL, "b": LARGE}), "policy": "streamed"})

    async with serve(depot, "tools") as root:
        for path, body in (("a", SMALL), ("b", LARGE)) * 2:
            async with client.get(f"{root}/tools/{path}") as answer:
                assert await answer.read() == body

    assert not holds(depot, SMALL)
    assert not holds(depot, LARGE)
    assert (origin.count("/a"), origin.count("/b")) == (2, 2)


@pytest.mark.fault("E07")
async def test_head_fetches_nothing(origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession) -> None:
    """It is answered from what was declared."""
    depot = opened(
        tools={"url": stock(origin, {"a": SMALL}), "policy": "on_demand"},
    )

    async with serve(depot, "tools") as root:
        async with client.head(f"{root}/tools/a") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Length"] == str(len(SMALL))
        tag = f'"{hashlib.sha256(SMALL).hexdigest()}"'
        async with client.get(f"{root}/tools/a", headers={"If-None-Match": tag}) as answer:
            assert answer.status == 304

    assert origin.count("/a") == 0


@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
async def test_a_part_of_a_cold_artifact_comes_from_the_verified_whole(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, body: bytes
) -> None:
    """The upstream is asked for all of it, once."""
    depot = opened(tools={"url": stock(origin, {"a": body}), "policy": "on_demand"})

    async with (
        serve(depot, "tools") as root,
        client.get(f"{root}/tools/a", headers={"Range": "bytes=100-199"}) as answer,
    ):
        assert (answer.status, await answer.read()) == (206, body[100:200])
        assert answer.headers["Content-Range"] == f"bytes 100-199/{len(body)}"

    assert [request.headers.get("range") for request in origin.requests if request.path == "/a"] == [None]


@pytest.mark.fault("D04")
@pytest.mark.promise("P22")
async def test_a_client_that_leaves_takes_nobody_with_it(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """The fetch goes on for the others, and is kept."""
    gate = asyncio.Event()
    depot = opened(tools={"url": stock(origin, {"a": LARGE}), "policy": "on_demand"})
    origin.on("/a", Reply(body=LARGE, gate=gate))

    async with serve(depot, "tools") as root:

        async def get() -> bytes:
            async with client.get(f"{root}/tools/a") as answer:
                return await answer.read()

        leaving, staying = asyncio.create_task(get()), asyncio.create_task(get())
        await origin.arrived(2)  # the feed, and the artifact
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        gate.set()
        assert await staying == LARGE

    assert origin.count("/a") == 1


async def test_when_all_clients_leave_what_was_asked_for_is_still_kept(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """The next one finds it here."""
    gate = asyncio.Event()
    depot = opened(tools={"url": stock(origin, {"a": SMALL}), "policy": "on_demand"})
    origin.on("/a", Reply(body=SMALL, gate=gate))

    async with serve(depot, "tools") as root:
        asking = asyncio.create_task(client.get(f"{root}/tools/a"))
        await origin.arrived(2)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        gate.set()
        async with client.get(f"{root}/tools/a") as answer:
            assert await answer.read() == SMALL

    assert origin.count("/a") == 1


@pytest.mark.fault("D05")
@pytest.mark.promise("P35")
async def test_bytes_of_a_private_repository_stay_with_it(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Another repository that declares the same digest has to obtain the bytes itself."""
    feed = stock(origin, {"a": SMALL})
    bad = json.dumps([{**entry("a", SMALL), "urls": ["gone"]}]).encode()
    depot = opened(
        private={"url": feed, "policy": "immediate", "private": True},
        public={"url": origin.put("/public.json", bad), "policy": "on_demand"},
    )

    async with serve(depot, "private", "public") as root, client.get(f"{root}/public/a") as answer:
        assert answer.status == 502

    assert holds(depot, SMALL)


async def test_other_digests_name_artifacts_as_well(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """The tag is the declared digest, the same before and after the bytes are here."""
    depot = opened(tools={"url": stock(origin, {"a": SMALL}, algorithm="sha512"), "policy": "on_demand"})
    tags = []

    async with serve(depot, "tools") as root:
        for _ in range(2):
            async with client.get(f"{root}/tools/a") as answer:
                assert await answer.read() == SMALL
                tags.append(answer.headers["ETag"])

    assert tags == [f'"sha512-{hashlib.sha512(SMALL).hexdigest()}"'] * 2
    assert origin.count("/a") == 1


class CollectedAtOnce(FilesystemStorage):
    """A storage of which a prune collects the first artifact before its row is committed."""

    collected = 0

    def keep(self, batch: Sequence[Received]) -> list[KeptArtifact]:
        kept = super().keep(batch)
        if not self.collected and kept[0].size == len(SMALL):
            self.collected += 1
            self.remove(kept[0].sha256)
        return kept


@pytest.mark.fault("D03")
@pytest.mark.promise("P19", "P20")
async def test_a_file_collected_before_its_row_is_committed_is_fetched_again(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """No row is ever left without its file; both clients get their bytes."""
    depot = opened(tools={"url": stock(origin, {"a": SMALL}), "policy": "on_demand"})
    assert isinstance(depot.storage, FilesystemStorage)
    depot.storage.close()
    depot.storage = storage = CollectedAtOnce(depot.storage.root)
    got = []

    await sync(depot, "tools")
    for _ in range(2):  # a server that ends has kept what came in
        async with serve(depot) as root, client.get(f"{root}/tools/a") as answer:
            got.append(await answer.read())
        check_depot(depot)

    assert got == [SMALL, SMALL]
    assert storage.collected == 1
    assert holds(depot, SMALL)
    assert origin.count("/a") == 2
