"""Stages that run, fail and stop together."""

from __future__ import annotations

import asyncio

import pytest

from entrepot.errors import EntrepotError, StageFailed, StageHung, UpstreamError
from entrepot.pipeline.run import Pipeline, create_pipeline
from entrepot.pipeline.stage import EndStage, Stage
from number_stages import Collect, FailAt, Numbers, PassOn, Sleeper, Take, settle


def nothing_is_left_running() -> bool:
    """Whether the test's own task is the only one."""
    return asyncio.all_tasks() == {asyncio.current_task()}


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


async def test_the_first_failure_cancels_the_others_and_is_raised() -> None:
    """Whoever stands before or after; nothing is left running."""
    before, after = Sleeper(), Sleeper()

    class Fails(Stage[int]):
        async def run(self) -> None:
            await before.began.wait()
            await after.began.wait()
            raise UpstreamError("no answer")

    with pytest.raises(UpstreamError, match="no answer"):
        await create_pipeline([before, Fails(), after, EndStage()])

    assert before.was_cancelled
    assert after.was_cancelled
    assert nothing_is_left_running()


async def test_an_error_of_ours_keeps_its_type_and_gains_its_place() -> None:
    """Stage, plugin, unit and URL, without what is secret in it."""
    pipeline = Pipeline(
        [Numbers(range(10)), FailAt(7, UpstreamError("no answer", where="line 3")), EndStage()],
        owners=["first", "mine", "builtin"],
        describe=lambda unit: (f"number {unit}", f"https://user:secret@index.example/{unit}?token=secret"),
    )

    with pytest.raises(UpstreamError) as raised:
        await pipeline.run()

    assert raised.value.where == "stage 'FailAt' of plugin 'mine', number 7, https://index.example/7, line 3"


async def test_any_other_error_becomes_one_that_names_its_place() -> None:
    """The original is its cause, so that --debug can show it."""
    cause = KeyError("colour")
    pipeline = Pipeline([Numbers(range(10)), FailAt(3, cause)], owners={"FailAt": "mine"})

    with pytest.raises(StageFailed, match="stage 'FailAt' raised KeyError") as raised:
        await pipeline.run()

    assert nothing_is_left_running()
    assert raised.value.__cause__ is cause
    assert raised.value.where == "stage 'FailAt' of plugin 'mine', unit 3"


async def test_a_failed_batch_is_named_by_its_size_and_first_unit() -> None:
    """Which of its units was wrong, only the stage could know."""

    class Fails(Stage[int]):
        async def run(self) -> None:
            async for _ in self.batches(minsize=5):
                raise UpstreamError("no answer")

    with pytest.raises(UpstreamError, match="stage 'Fails', a batch of 5 that begins with unit 40"):
        await create_pipeline([Numbers(range(40, 45)), Fails()])


async def test_a_unit_that_cannot_be_described_hides_no_error() -> None:
    """A plugin's broken repr is not what the user has to read about."""

    def broken(unit: int) -> tuple[str, str | None]:
        raise AttributeError(f"{unit} has no name")

    pipeline = Pipeline([Numbers([1]), FailAt(1, UpstreamError("no answer"))], describe=broken)

    with pytest.raises(UpstreamError, match=r"a int that cannot be described \(AttributeError\)"):
        await pipeline.run()


async def test_a_single_failure_in_a_stages_own_tasks_is_raised_by_itself() -> None:
    """A stage may use a TaskGroup without hiding the kind of its errors; no unit is named on suspicion."""

    class Workers(Stage[int]):
        async def run(self) -> None:
            async with asyncio.TaskGroup() as tasks:
                async for number in self.items():
                    tasks.create_task(self.work(number))

        async def work(self, number: int) -> None:
            if number == 2:
                raise UpstreamError("no answer")

    with pytest.raises(UpstreamError) as raised:
        await create_pipeline([Numbers(range(9)), Workers(), EndStage()])

    assert raised.value.where == "stage 'Workers'"


async def test_several_failures_are_a_group() -> None:
    """A second stage that fails while it is being cancelled is told as well."""

    class FailsWhenCancelled(Stage[int]):
        async def run(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                raise EntrepotError("cannot clean up")

    class Fails(Stage[int]):
        async def run(self) -> None:
            raise UpstreamError("no answer")

    with pytest.raises(ExceptionGroup) as raised:
        await create_pipeline([FailsWhenCancelled(), Fails()])

    assert raised.group_contains(UpstreamError, match="no answer")
    assert raised.group_contains(EntrepotError, match="stage 'FailsWhenCancelled'")


async def test_after_a_failure_no_later_stage_takes_the_stream_for_ended() -> None:
    """What must happen only at the end of a whole stream does not happen at half of it."""
    ended = []
    reading = asyncio.Event()

    class Source(Stage[int]):
        async def run(self) -> None:
            await self.put(0)
            await reading.wait()
            await self.put(1)

    class AtTheEnd(Stage[int]):
        async def run(self) -> None:
            try:
                async for _ in self.items():
                    reading.set()
            except asyncio.CancelledError:
                async for _ in self.items():  # a stage that will not stop is not lied to either
                    pass
            ended.append(True)

    with pytest.raises(UpstreamError):
        await create_pipeline([Source(), FailAt(1, UpstreamError("no answer")), AtTheEnd()])

    assert reading.is_set()
    assert ended == []


async def test_a_stage_that_cancels_itself_has_failed() -> None:
    """Taken for the end of the stream, it would lose units without a word."""

    class Forsaken(Stage[int]):
        async def run(self) -> None:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            await future

    with pytest.raises(StageFailed, match="'Forsaken' raised CancelledError"):
        await create_pipeline([Numbers(range(10)), Forsaken(), EndStage()])


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
