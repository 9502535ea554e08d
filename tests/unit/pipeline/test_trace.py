"""What a run counts, always."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest

from entrepot.pipeline.run import Pipeline
from entrepot.pipeline.stage import EndStage, Stage
from entrepot.pipeline.trace import StageTrace, Trace
from number_stages import Numbers, PassOn, PassOnBatches, Sleeper, settle


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def time_of(stage: StageTrace) -> float:
    """All that is counted of a stage's time."""
    return stage.busy + stage.waiting_for_input + stage.waiting_for_room + stage.waiting_for_others


class Takes(Stage[int]):
    """Need some time for each unit, and refuse or fail some."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds

    async def run(self) -> None:
        async for number in self.items():
            self.clock.now += self.seconds
            if number % 10 == 0:
                self._run.count_refused()
            elif number % 10 == 1:
                self._run.count_failed()
            else:
                await self.put(number)


async def test_each_stage_counts_what_passes_through_it() -> None:
    """In, out, refused, failed, batches; all that went in is accounted for."""
    clock = Clock()
    pipeline = Pipeline(
        [Numbers(range(1000)), Takes(clock, 0.0), PassOnBatches(100), EndStage()],
        maxsize=50,
        owners=["a", "b", "c", "d"],
    )

    await pipeline.run()

    source, takes, batches, end = pipeline.trace.stages
    assert (source.units_in, source.units_out) == (0, 1000)
    assert (takes.units_in, takes.units_out, takes.refused, takes.failed) == (1000, 800, 100, 100)
    assert (batches.units_in, batches.units_out, end.units_in, end.units_out) == (800, 800, 800, 0)
    assert batches.batches * batches.batch_mean == pytest.approx(800)
    assert batches.batch_max >= 100
    assert [stage.state for stage in pipeline.trace.stages] == ["done"] * 4
    assert [stage.plugin for stage in pipeline.trace.stages] == ["a", "b", "c", "d"]
    assert all(stage.depth == stage.unread == 0 for stage in pipeline.trace.stages)


async def test_the_bottleneck_is_the_stage_that_was_busy_for_longest() -> None:
    """Said in one line, with its plugin."""
    clock = Clock()
    stages = [Numbers(range(200)), Takes(clock, 0.25), Takes(clock, 1.0), EndStage()]
    pipeline = Pipeline(stages, maxsize=10, clock=clock, owners=["", "swift", "slow"])

    await pipeline.run()

    line = pipeline.trace.bottleneck()
    assert line.startswith("bottleneck: stage 'Takes' of plugin 'slow', busy ")
    assert line.endswith(" with 160 units")
    assert "\n" not in line


async def test_the_times_of_a_stage_add_up_to_the_time_it_ran() -> None:
    """Nothing is counted twice or forgotten, seen at any moment."""
    clock = Clock()
    pipeline = Pipeline([Numbers(range(300)), Takes(clock, 0.5), PassOnBatches(7), EndStage()], maxsize=5, clock=clock)
    seen: list[Trace] = []

    async def watch() -> None:
        while True:
            seen.append(pipeline.trace)
            await asyncio.sleep(0)

    watching = asyncio.ensure_future(watch())
    await pipeline.run()
    watching.cancel()

    assert len(seen) > 10
    compared = 0
    for earlier, later in itertools.pairwise(seen):
        for before, after in zip(earlier.stages, later.stages, strict=True):
            assert min(before.busy, before.waiting_for_input, before.waiting_for_room, before.waiting_for_others) >= 0
            if before.state != "not started" and after.state != "done":
                assert time_of(after) - time_of(before) == pytest.approx(later.elapsed - earlier.elapsed)
                compared += 1
    assert compared > 30


async def test_counts_only_grow_while_the_run_is_watched() -> None:
    """Reading changes nothing, and what is out was in before."""
    pipeline = Pipeline([Numbers(range(5000)), PassOn(), PassOnBatches(10), EndStage()], maxsize=13)
    running = asyncio.ensure_future(pipeline.run())
    before = pipeline.trace
    while not running.done():
        await asyncio.sleep(0)
        now = pipeline.trace
        for stage, earlier in zip(now.stages, before.stages, strict=True):
            assert stage.units_in >= earlier.units_in
            assert stage.units_out >= earlier.units_out
        for stage, following in zip(now.stages, now.stages[1:], strict=False):
            assert stage.units_out == following.units_in + following.depth
        before = now
    await running


async def test_a_trace_can_be_kept_as_json() -> None:
    """And read again, also one that another version wrote."""
    pipeline = Pipeline([Numbers(range(10)), PassOnBatches(3), EndStage()])
    await pipeline.run()
    trace = pipeline.trace

    saved = json.loads(json.dumps(trace.to_json()))
    assert Trace.from_json(saved) == trace

    del saved["stages"][0]["refused"]
    saved["stages"][0]["something_new"] = 1
    assert Trace.from_json(saved) == trace


def test_a_run_without_stages_has_no_bottleneck() -> None:
    """Nor one that has not begun."""
    assert Trace(0.0, ()).bottleneck() == "no stage has run"
    assert Pipeline([PassOn()]).trace.bottleneck() == "no stage has run"


async def test_reading_the_trace_is_cheap() -> None:
    """It costs the same however many units have passed: nothing is walked through."""
    pipeline = Pipeline([Numbers(range(100_000)), Sleeper()], maxsize=100_000)
    running = asyncio.ensure_future(pipeline.run())
    await settle()
    loop = asyncio.get_running_loop()

    began = loop.time()
    for _ in range(100):
        assert isinstance(pipeline.trace.stages[1], StageTrace)

    assert loop.time() - began < 1  # a walk over the queue would take some ten times as long
    assert pipeline.trace.stages[1].depth == 100_000
    running.cancel()
    await asyncio.wait([running])
