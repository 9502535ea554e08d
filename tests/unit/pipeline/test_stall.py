"""A run in which nothing moves names whom it waits for."""

from __future__ import annotations

import asyncio

import pytest

from entrepot.pipeline.run import Pipeline
from entrepot.pipeline.stage import EndStage, Stage
from number_stages import Numbers, PassOn, PassOnBatches, settle


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class HangsAt(Stage[int]):
    """Wait for a word at one number, and go on after it."""

    def __init__(self, number: int) -> None:
        self.number, self.word = number, asyncio.Event()

    async def run(self) -> None:
        async for number in self.items():
            if number == self.number:
                await self.word.wait()
            await self.put(number)


@pytest.mark.fault("D09")
async def test_the_stage_that_all_wait_for_is_named_with_its_unit() -> None:
    """Those before it wait for room, those after it for input: they are not to blame."""
    clock, hangs = Clock(), HangsAt(5)
    pipeline = Pipeline(
        [Numbers(range(50)), PassOn(), hangs, PassOnBatches(3), EndStage()],
        maxsize=2,
        owners=["", "", "mine"],
        clock=clock,
        describe=lambda unit: (f"number {unit}", None),
    )
    running = asyncio.ensure_future(pipeline.run())
    await settle()
    assert pipeline.stalled(60) is None

    clock.now += 59
    assert pipeline.stalled(60) is None
    clock.now += 2
    stall = pipeline.stalled(60)

    assert stall is not None
    assert str(stall) == "nothing has moved for 61 s: stage 'HangsAt' of plugin 'mine' is busy, last given number 5"

    hangs.word.set()
    await running
    clock.now += 100
    assert pipeline.stalled(60) is None
    clock.now += 100
    assert pipeline.stalled(60) is None


async def test_what_moves_between_two_looks_ends_a_stall() -> None:
    """Even one unit."""
    clock = Clock()
    go_on = [asyncio.Event() for _ in range(2)]

    class Steps(Stage[int]):
        async def run(self) -> None:
            for event in go_on:
                await event.wait()
                await self.put(1)

    pipeline = Pipeline([Steps(), EndStage()], clock=clock)
    running = asyncio.ensure_future(pipeline.run())
    await settle()
    clock.now += 50
    assert pipeline.stalled(40) is not None

    go_on[0].set()
    await settle()
    assert pipeline.stalled(40) is None
    clock.now += 30
    assert pipeline.stalled(40) is None
    clock.now += 30
    stall = pipeline.stalled(40)

    assert stall is not None
    assert (stall.stage, stall.unit, stall.seconds) == ("Steps", None, 60)
    go_on[1].set()
    await running


async def test_a_stage_that_waits_for_a_unit_nobody_resolves_is_named() -> None:
    """When no stage is busy, it is the one that waits for others."""
    clock = Clock()

    class Waits(Stage[int]):
        async def run(self) -> None:
            await self._run.wait_for(asyncio.get_running_loop().create_future())

    pipeline = Pipeline([Waits(), PassOn(), EndStage()], clock=clock)
    running = asyncio.ensure_future(pipeline.run())
    await settle()

    clock.now += 10
    stall = pipeline.stalled(5)

    assert stall is not None
    assert (stall.stage, stall.state) == ("Waits", "waiting for others")
    running.cancel()
    await asyncio.wait([running])
