"""kill -9 at any moment: nothing partial is seen, nothing is lost, nothing is fetched twice.

The default run kills sixty times. Three hundred kills: `pytest tests/integration/test_kill.py -m sweep`.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest

from entrepot.operations.prune import prune
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.invariants import check_depot, snapshot
from entrepot.testing.serving import served
from integration.forked import Zygote
from integration.forked import zygote as forking
from integration.killed import Victim, finished
from integration.upstream import FirmwareUpstream
from seeds import seeded

pytestmark = [pytest.mark.power, pytest.mark.fault("C02")]

#: In a default run few, and then as many as we would trust.
SYNCS = [25, pytest.param(200, marks=pytest.mark.sweep)]
SERVERS = [15, pytest.param(60, marks=pytest.mark.sweep)]
PRUNES = [10, pytest.param(40, marks=pytest.mark.sweep)]


@pytest.fixture
async def zygote() -> AsyncIterator[Zygote]:
    """What syncs and servers are forked from."""
    async with forking() as running:
        yield running


@pytest.mark.fault("C02")
@pytest.mark.promise("P01", "P02", "P03", "P04", "P05", "P07", "P08")
@pytest.mark.parametrize("kills", SYNCS)
async def test_a_sync_killed_at_any_moment_loses_nothing(
    tmp_path: Path, origin: BadOrigin, zygote: Zygote, kills: int
) -> None:
    """At each seeded moment: old versions unchanged, no partial one, no stored byte asked for twice.

    The next sync needs no manual step, and one more makes nothing. A failure names the moment.
    """
    victim, moments = Victim(tmp_path / "depot", FirmwareUpstream(origin)), seeded(7)
    expected = {1: victim.publish(0)}
    first = await zygote.sync(victim.order)
    expected[2] = victim.publish(-1)
    longest = min(first["seconds"], (await zygote.sync(victim.order))["seconds"])  # the very first has more to do
    state = killed = 0

    while killed < kills:
        state += 1
        assert state < 3 * kills + 10, f"only {killed} of {state} runs were killed before their end"
        new, number, moment = victim.publish(state), len(expected) + 1, moments.uniform(0, longest)
        where = f"after a kill at {moment:.4f} s, state {state}"
        killed += (await zygote.sync(victim.order, kill_after=moment))["killed"]
        held, before = victim.look(), len(origin.requests)
        with victim.open() as depot:
            latest = {number - 1: expected[number - 1]}
            assert finished(depot, since=number - 1) in (latest, {**latest, number: new}), where

            await sync(depot, "fw")

            assert finished(depot, since=number) == {number: new}, where
        asked = victim.asked(before)
        assert not {path for path in asked if hashlib.sha256(new[path]).hexdigest() in held}, where
        expected[number] = new

    with victim.open() as depot:
        assert (await sync(depot, "fw")).version is None
        assert finished(depot) == expected
        check_depot(depot, origin=origin)
    victim.look()
    assert victim.litter() == []


@pytest.mark.promise("P04", "P08", "P09", "P10")
@pytest.mark.parametrize("kills", SERVERS)
async def test_a_server_killed_while_it_fetches_on_demand_keeps_what_it_acknowledged(
    tmp_path: Path, origin: BadOrigin, zygote: Zygote, kills: int
) -> None:
    """Twelve clients ask for cold artifacts, and the server dies: whole answers were right.

    The next server fetches nothing again that has a row, serves all, and no version changed.
    """
    victim, moments = Victim(tmp_path / "depot", FirmwareUpstream(origin), policy="on_demand"), seeded(8)
    longest = 0.25

    for state in range(kills):
        new, moment = victim.publish(state), moments.uniform(0, longest)
        where = f"after a kill at {moment:.4f} s, state {state}"
        with victim.open() as depot:
            await sync(depot, "fw")
            versions = len(depot.catalog.reader.versions("fw"))
        started = await zygote.begin({**victim.order, "do": "serve"})
        asking = [asyncio.create_task(get(started["address"], path)) for path in new]
        await asyncio.wait(asking, timeout=moment)
        os.kill(started["pid"], signal.SIGKILL)
        assert (await zygote.ended())["killed"]
        answers = await asyncio.gather(*asking)
        assert all(answer in (None, body) for answer, body in zip(answers, new.values(), strict=True)), where

        victim.look()
        before = len(origin.requests)
        with victim.open() as depot:
            known = {path for path in new if depot.catalog.reader.locate("fw", versions, path)[0].artifact is not None}
            async with served(depot) as address:
                again = await asyncio.gather(*(get(address, path) for path in new))
        assert dict(zip(new, again, strict=True)) == new, where
        assert not known & victim.asked(before), where

    victim.publish(-1)
    with victim.open() as depot:
        await sync(depot, "fw")
        assert [row.number for row in depot.catalog.reader.versions("fw")] == list(range(1, kills + 2))
    assert victim.litter() == []


@pytest.mark.promise("P01", "P02", "P19", "P20")
@pytest.mark.parametrize("kills", PRUNES)
async def test_a_prune_killed_at_any_moment_leaves_garbage_at_worst(
    tmp_path: Path, origin: BadOrigin, zygote: Zygote, kills: int
) -> None:
    """The latest version reads as before; the next prune takes what is left, and nothing dead stays."""
    victim, moments = Victim(tmp_path / "depot", FirmwareUpstream(origin)), seeded(9)

    for state in range(kills):
        new, moment = victim.publish(state), moments.uniform(0, 0.1)
        where = f"after a kill at {moment:.4f} s, state {state}"
        with victim.open() as depot:
            await sync(depot, "fw")
            before = snapshot(depot)
        await zygote.sync({**victim.order, "do": "prune"}, kill_after=moment)
        with victim.open() as depot:
            latest = depot.catalog.reader.version("fw").number
            assert finished(depot, since=latest) == {latest: new}, where
            check_depot(depot, origin=origin, before=before, ended=False)

            await asyncio.to_thread(prune, depot, keep=1)

            assert finished(depot) == {latest: new}, where
            check_depot(depot, origin=origin, before=before)
        assert len(victim.forget().look()) == len(new), where


async def get(address: str, path: str) -> bytes | None:
    """The whole of an artifact, or None when the answer was none or broke off."""
    try:
        async with aiohttp.ClientSession() as client, client.get(urljoin(f"{address}/", f"fw/{path}")) as answer:
            return await answer.read() if answer.status == 200 else None
    except aiohttp.ClientError:
        return None
