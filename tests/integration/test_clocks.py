"""Clocks that jump, between syncs and within one: nothing waits for the lost time, and dates stay in order."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from entrepot.operations.prune import prune
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from integration.opening import OpenDepot
from integration.upstream import FirmwareUpstream

pytestmark = [pytest.mark.slow, pytest.mark.fault("C13")]

DAY: Final = 86_400.0
YEAR: Final = 365 * DAY
START: Final = 1.8e9


class Clock:
    """Seconds since 1970, as the machine would say."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.mark.promise("P17", "P19")
@pytest.mark.parametrize("jump", [YEAR, -DAY], ids=["a year on", "a day back"])
async def test_a_clock_that_jumps_within_a_sync_changes_nothing(
    open_depot: OpenDepot, origin: BadOrigin, jump: float
) -> None:
    """While a download waits and is tried again; the lease holds, dates never go down, and pruning takes its share."""
    clock, upstream = Clock(), FirmwareUpstream(origin)
    table = {"type": "firmware", "url": upstream.url, "mirror": True, "guard_loss": "100 %", "retries": 2}
    with open_depot({"fw": table}, clock=clock) as opened:
        for number, jumps in enumerate((0.0, jump, -jump)):
            gate = asyncio.Event()
            upstream.images.clear()
            upstream.add("image", f"state {number}".encode())
            upstream.publish()
            good = Reply(body=upstream.images["image"])
            origin.on("/fw/image.bin", Reply(status=503, headers={"Retry-After": "0"}, gate=gate), good)
            syncing = asyncio.create_task(sync(opened, "fw"))
            await origin.arrived(len(origin.requests) + 2)
            clock.now += jumps
            gate.set()
            async with asyncio.timeout(60):
                outcome = await syncing
            assert outcome.version is not None
            assert outcome.version.number == number + 1

        completed = [version.completed for version in opened.catalog.reader.versions("fw")]
        assert completed == sorted(completed)
        assert opened.catalog.reader.version("fw", completed[-1]).number == 3
        assert prune(opened, keep=1).artifacts == 2
        unchanged = await sync(opened, "fw")
        assert unchanged.version is None
