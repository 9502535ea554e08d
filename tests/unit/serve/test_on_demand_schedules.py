"""One fetch for all who ask, whoever goes on first and whoever leaves: under hundreds of schedules."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import attrs
import pytest

from entrepot.depot import Depot
from entrepot.download.downloads import Downloads
from entrepot.errors import EntrepotError, UpstreamError
from entrepot.model.artifact import Artifact
from entrepot.model.digest import Digest
from entrepot.model.incoming import Received, Receiver
from entrepot.model.ledger import KeptArtifact
from entrepot.serve import on_demand
from entrepot.serve.on_demand import Broken, Fetching, Flight, OnDemand, Verified, Wanted
from entrepot.storage.memory import MemoryStorage
from seeded_loop import under_schedules
from seeds import seed

BODY: Final = random.Random(3).randbytes(40)
WANTED: Final = Wanted("tools", False, Digest("sha256", hashlib.sha256(BODY).digest()), len(BODY), ("u",))
CLIENTS: Final = 6
SCHEDULES: Final = 150


@attrs.define
class Upstream:
    """Sends a body in pieces; `failures` of the first requests break off."""

    dice: random.Random
    failures: int = 0
    begins_anew: bool = False
    requests: int = 0

    async def fetch(self, remote: object, urls: Sequence[str], expected: Artifact, receiver: Receiver) -> Received:
        self.requests += 1
        fails = self.requests <= self.failures
        incoming = receiver.receive(expected)
        try:
            for place in range(0, len(BODY), 10):
                await asyncio.sleep(self.dice.random())
                if fails and place == 20:
                    raise UpstreamError("it broke off")
                if self.begins_anew and place == 20:
                    self.begins_anew = False
                    incoming.restart()
                    incoming.write(BODY[:20])
                await asyncio.get_running_loop().run_in_executor(None, incoming.write, BODY[place : place + 10])
            return incoming.finish()
        except BaseException:
            incoming.discard()
            raise


@attrs.define
class Rows:
    """Notes what was kept."""

    kept: list[bytes] = attrs.field(factory=list)

    async def keep_fetched(self, repository: str, artifact: KeptArtifact, *, private: bool) -> None:
        await asyncio.sleep(0)
        self.kept.append(artifact.sha256)


@pytest.fixture(autouse=True)
def _small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a body of forty bytes be large: clients read along."""
    monkeypatch.setattr(on_demand, "VERIFIED_FIRST", 15)
    monkeypatch.setattr(on_demand, "HELD_BACK", 5)


def all_fetches(folder: Path, upstream: Upstream, rows: Rows) -> OnDemand:
    """Fetches into memory, from an upstream in memory."""
    depot = SimpleNamespace(
        settings=SimpleNamespace(home=folder, repository=lambda _: SimpleNamespace(policy="on_demand")),
        storage=MemoryStorage(),
        catalog=rows,
        remote=lambda name: name,
    )
    clock = asyncio.get_running_loop().time
    return OnDemand(cast("Depot", depot), cast("Downloads", upstream), clock=clock)


async def get(fetches: OnDemand, dice: random.Random) -> bytes | None:
    """Ask as a client does: of what was kept, or following a fetch to its end; None when it breaks off."""
    await asyncio.sleep(dice.random())
    if fetches.kept(WANTED) is not None:
        return BODY
    flight = fetches.join(WANTED)
    try:
        if await flight.under_way():
            return await follow(flight)
        return await flight.spool.read(0, (await flight.verified()).size)
    finally:
        flight.spool.release()


async def follow(flight: Flight) -> bytes | None:
    """Read along, as the server does for one client; of a body that began anew nothing is sent on."""
    spool, read = flight.spool, b""
    generation = spool.generation
    while spool.generation == generation and not isinstance(flight.state, Broken):
        verified = isinstance(flight.state, Verified)
        ready = spool.written - (0 if verified else on_demand.HELD_BACK)
        if len(read) < ready:
            piece = await spool.read(len(read), ready - len(read))
            if spool.generation != generation:
                break
            read += piece
        elif verified:
            return read
        else:
            await spool.news()
    return None


@pytest.mark.promise("P22")
@pytest.mark.fault("D04")
def test_one_request_for_all_and_whoever_leaves_takes_nobody_with_it(tmp_path: Path) -> None:
    """Clients come and go at any moment: upstream is asked once, and the others have the right bytes."""

    async def main(dice: random.Random) -> None:
        upstream, rows = Upstream(dice, begins_anew=dice.random() < 0.2), Rows()
        restarts = upstream.begins_anew
        fetches = all_fetches(tmp_path, upstream, rows)
        clients = [asyncio.create_task(get(fetches, dice)) for _ in range(CLIENTS)]
        for leaver in dice.sample(clients, dice.randrange(CLIENTS)):
            await asyncio.sleep(dice.random())
            leaver.cancel()
        answers = await asyncio.gather(*clients, return_exceptions=True)
        await asyncio.sleep(20)  # what the last client left behind comes in, and is kept
        await fetches.close()

        stayed = [answer for answer in answers if not isinstance(answer, asyncio.CancelledError)]
        assert all(answer == BODY or (restarts and answer is None) for answer in stayed), stayed
        assert upstream.requests <= 1
        assert len(rows.kept) == upstream.requests
        await nothing_is_left(fetches)

    under_schedules(seed(8000), SCHEDULES, main)


def test_a_failed_fetch_is_told_to_all_and_tried_again_later(tmp_path: Path) -> None:
    """Nobody gets a part for the whole; after a rest one request is made again, and kept."""

    async def main(dice: random.Random) -> None:
        upstream, rows = Upstream(dice, failures=1), Rows()
        fetches = all_fetches(tmp_path, upstream, rows)
        answers: list[Any] = await asyncio.gather(*(get(fetches, dice) for _ in range(CLIENTS)), return_exceptions=True)
        assert all(answer is None or isinstance(answer, EntrepotError) for answer in answers)
        assert upstream.requests == 1
        await asyncio.sleep(10)

        again = await asyncio.gather(*(get(fetches, dice) for _ in range(CLIENTS)))
        await fetches.close()

        assert again == [BODY] * CLIENTS
        assert upstream.requests == 2
        assert len(rows.kept) == 1
        await nothing_is_left(fetches)

    under_schedules(seed(9000), SCHEDULES, main)


@pytest.mark.promise("P23")
def test_a_server_that_stops_leaves_no_fetch_and_no_client_behind(tmp_path: Path) -> None:
    """Stopped at any moment: what came in whole is kept, all else is broken off, and nobody waits on."""

    async def main(dice: random.Random) -> None:
        upstream, rows = Upstream(dice), Rows()
        fetches = all_fetches(tmp_path, upstream, rows)
        clients = [asyncio.create_task(get(fetches, dice)) for _ in range(CLIENTS)]
        await asyncio.sleep(dice.choice([0, 0.5, 4]) * dice.random())
        latest = fetches.join(WANTED)

        await fetches.close()
        assert not isinstance(latest.state, Fetching), "whoever waits for it waits for ever"
        latest.spool.release()
        for client in clients:  # a server takes no requests while it closes its fetches
            client.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*clients, return_exceptions=True)
        await fetches.close()

        answers = [client.result() for client in clients if not client.cancelled() and client.exception() is None]
        assert all(answer in (None, BODY) for answer in answers)
        assert len(rows.kept) <= upstream.requests
        await nothing_is_left(fetches)

    under_schedules(seed(10_000), SCHEDULES, main)


async def nothing_is_left(fetches: OnDemand) -> None:
    """Fail when there is a fetch, or a task, a moment later."""
    await asyncio.sleep(1)
    assert not fetches._flights
    assert not fetches._tasks
    assert asyncio.all_tasks() == {asyncio.current_task()}
