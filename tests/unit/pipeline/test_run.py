"""Stages that run, fail and stop together."""

from __future__ import annotations

import asyncio

import pytest

from entrepot.errors import StageHung, UpstreamError
from entrepot.pipeline.run import Pipeline, create_pipeline
from entrepot.pipeline.stage import EndStage, Stage
from number_stages import Collect, Numbers, PassOn, Sleeper, Take, nothing_is_left_running, settle


async def test_a_stage_cannot_be_given_twice() -> None:
    """Equal stages may, the same one may not."""
    stage = PassOn()

    with pytest.raises(ValueError, match="'PassOn' is given twice"):
        await create_pipeline([Numbers([1]), stage, stage, EndStage()])


@pytest.mark.parametrize("maxsize", [0, -1])
async def test_a_queue_holds_at_least_one_unit(maxsize: int) -> None:
    """There is no unbounded pipeline."""
    with pytest.raises(ValueError, match="maxsize"):
        await create_pipeline([Numbers([1])], maxsize)


@pytest.mark.parametrize("maxsize", [1, 1000])
async def test_a_pipeline_without_an_end_stage_does_not_hang(maxsize: int) -> None:
    """What the last stage puts on is dropped."""
    collect = Collect()

    async with asyncio.timeout(10):
        await create_pipeline([Numbers(range(3000)), collect], maxsize)
        await create_pipeline([Numbers(range(3000))], maxsize)
        await create_pipeline([], maxsize)

    assert collect.seen == list(range(3000))


@pytest.mark.promise("P27")
async def test_queues_hold_no_more_than_they_should() -> None:
    """Behind a stage that does not read, each stage before it is held back."""
    ahead = Collect()
    blocked = Sleeper()
    pipeline = Pipeline([Numbers(range(1000)), ahead, blocked], maxsize=5)
    running = asyncio.ensure_future(pipeline.run())
    await blocked.began.wait()
    await settle()

    source, collect, sleeper = pipeline.trace.stages

    assert len(ahead.seen) <= 2 * 5
    assert sleeper.depth == 5
    assert collect.depth <= 5 + 5
    assert source.state == collect.state == "waiting for room"
    running.cancel()
    await asyncio.wait([running])


@pytest.mark.fault("D08")
@pytest.mark.promise("P23")
async def test_cancelling_the_pipeline_cancels_every_stage() -> None:
    """Also while they put and wait; the canceller gets its CancelledError."""
    sleeper = Sleeper()
    running = asyncio.ensure_future(create_pipeline([Numbers(range(10**9)), PassOn(), sleeper], maxsize=10))
    await sleeper.began.wait()
    await settle()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert sleeper.was_cancelled
    assert nothing_is_left_running()


async def test_cancelling_before_the_first_step_runs_nothing() -> None:
    """No stage begins, and none stays connected."""
    sleeper = Sleeper()
    running = asyncio.ensure_future(create_pipeline([sleeper]))
    await asyncio.sleep(0)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert nothing_is_left_running()
    assert sleeper._connection is None


async def test_cancelling_again_does_not_leave_stages_behind() -> None:
    """A stage that takes its time to clean up is waited for, however often one asks."""
    done = asyncio.Event()
    cleaned = []

    class Cleans(Stage[int]):
        async def run(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await done.wait()
                cleaned.append(True)

    running = asyncio.ensure_future(create_pipeline([Cleans()]))
    for _ in range(3):
        await settle()
        running.cancel()
    await settle()
    assert not running.done()

    done.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert cleaned == [True]


@pytest.mark.fault("D09")
@pytest.mark.promise("P23")
async def test_a_stage_that_will_not_stop_is_named_after_its_grace() -> None:
    """The run ends although the stage does not."""
    release = asyncio.Event()

    class Stubborn(Stage[int]):
        async def run(self) -> None:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    continue

    pipeline = Pipeline([Stubborn(), Sleeper()], owners=["mine"], grace=0.01)
    running = asyncio.ensure_future(pipeline.run())
    await settle()

    running.cancel()
    with pytest.raises(StageHung, match="'Stubborn' did not stop") as raised:
        await running

    assert raised.value.where == "stage 'Stubborn' of plugin 'mine'"
    release.set()
    await settle()
    assert nothing_is_left_running()


async def test_a_stage_that_swallows_its_cancellation_stops_when_it_reads_or_puts() -> None:
    """The channels of a stopped run cancel again, so that no grace is used up."""
    swallowed = []

    class Swallows(Stage[int]):
        async def run(self) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed.append(True)
            async for _ in self.items():
                pass

    pipeline = Pipeline([Sleeper(), Swallows()], grace=60)
    running = asyncio.ensure_future(pipeline.run())
    await settle()

    running.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await running

    assert swallowed == [True]


@pytest.mark.parametrize("maxsize", [1, 3, 100])
async def test_a_stage_may_end_before_its_input(maxsize: int) -> None:
    """Stages before it go on undisturbed, and what it did not look at is counted as unread."""
    collect = Collect()
    pipeline = Pipeline([Numbers(range(50)), PassOn(), Take(7), collect, EndStage()], maxsize)

    async with asyncio.timeout(10):
        await pipeline.run()

    assert collect.seen == list(range(7))
    _, before, take, _, _ = pipeline.trace.stages
    assert (before.units_in, before.units_out) == (50, 50)
    assert (take.units_in, take.unread, take.depth) == (7, 43, 0)


async def test_a_pipeline_runs_once() -> None:
    """Its counts belong to one run; the stages can be run in another."""
    stages = [Numbers(range(3)), EndStage[int]()]
    pipeline = Pipeline(stages)
    await pipeline.run()

    with pytest.raises(ValueError, match="has run already"):
        await pipeline.run()
    await Pipeline(stages).run()


@pytest.mark.fault("D09")
async def test_a_source_that_never_waits_lets_others_run() -> None:
    """Each stage gets its turn when a queue is full or empty, without a wait written anywhere."""
    collect = Collect()
    turns = []

    async def onlooker() -> None:
        while True:
            turns.append(len(collect.seen))
            await asyncio.sleep(0)

    watching = asyncio.ensure_future(onlooker())
    await create_pipeline([Numbers(range(20_000)), PassOn(), collect, EndStage()], maxsize=100)
    watching.cancel()

    assert len(set(turns)) > 50


async def test_eager_tasks_end_together_too() -> None:
    """With tasks that begin at once (3.12), a stage can fail before the next one exists."""
    eager = getattr(asyncio, "eager_task_factory", None)
    if eager is None:
        pytest.skip("this Python has no eager tasks")
    loop = asyncio.get_running_loop()
    loop.set_task_factory(eager)
    collect = Collect()

    class FailsAtOnce(Stage[int]):
        async def run(self) -> None:
            raise UpstreamError("no answer")

    try:
        await create_pipeline([Numbers(range(500)), PassOn(), collect, EndStage()], maxsize=3)
        with pytest.raises(UpstreamError):
            await create_pipeline([FailsAtOnce(), Sleeper()])
    finally:
        loop.set_task_factory(None)

    assert collect.seen == list(range(500))
