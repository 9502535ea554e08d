"""What a stage reads, puts on and knows."""

from __future__ import annotations

import asyncio

import attrs
import pytest

from entrepot.errors import NotBound, NotConnected, PipelineStopped
from entrepot.pipeline.run import Pipeline, create_pipeline
from entrepot.pipeline.stage import EndStage, Stage
from number_stages import Collect, Numbers, PassOn, PassOnBatches


@pytest.mark.parametrize("maxsize", [1, 2, 7, 1000])
async def test_units_arrive_once_and_in_order(maxsize: int) -> None:
    """Through single units and batches alike, whatever the queues hold."""
    collect = Collect()

    await create_pipeline([Numbers(range(3000)), PassOn(), PassOnBatches(64), PassOn(), collect, EndStage()], maxsize)

    assert collect.seen == list(range(3000))


async def test_batches_hold_at_least_what_was_asked_for_but_at_the_end() -> None:
    """While nobody waits, units are gathered; the last batch is what is left, and never empty."""
    batches = PassOnBatches(minsize=100)

    await create_pipeline([Numbers(range(1050)), batches, EndStage()], maxsize=30)

    assert all(size >= 100 for size in batches.sizes[:-1])
    assert sum(batches.sizes) == 1050
    assert batches.sizes[-1] > 0


@pytest.mark.parametrize("minsize", [-1, 0, 1])
async def test_a_batch_is_never_empty_however_little_is_asked_for(minsize: int) -> None:
    """Not for an empty stream, and not for a `minsize` below 1."""
    batches, none = PassOnBatches(minsize), PassOnBatches(minsize)

    await create_pipeline([Numbers(range(10)), batches, EndStage()], maxsize=3)
    await create_pipeline([Numbers([]), none, EndStage()])

    assert sum(batches.sizes) == 10
    assert 0 not in batches.sizes
    assert none.sizes == []


async def test_breaking_off_an_iteration_loses_nothing() -> None:
    """Units and batches can be read in turn: each goes on where the one before stopped."""

    class InTurn(Stage[int]):
        async def run(self) -> None:
            for _ in range(3):
                async for unit in self.items():
                    await self.put(unit)
                    break
            async for batch in self.batches(minsize=2):
                for unit in batch:
                    await self.put(unit)
                break
            async for unit in self.items():
                await self.put(unit)

    collect = Collect()

    await create_pipeline([Numbers(range(50)), InTurn(), collect], maxsize=8)

    assert collect.seen == list(range(50))


async def test_a_cancelled_wait_for_a_batch_loses_nothing() -> None:
    """A stage may stop waiting for a batch to fill up, and read on later."""
    go_on = asyncio.Event()

    class Source(Stage[int]):
        async def run(self) -> None:
            await self.put(1)
            await go_on.wait()
            await self.put(2)

    class Impatient(Stage[int]):
        async def run(self) -> None:
            first = asyncio.ensure_future(anext(aiter(self.batches(minsize=10))))
            for _ in range(20):
                await asyncio.sleep(0)
            first.cancel()
            await asyncio.wait([first])
            go_on.set()
            async for unit in self.items():
                await self.put(unit)

    collect = Collect()

    await create_pipeline([Source(), Impatient(), collect])

    assert collect.seen == [1, 2]


async def test_tasks_of_one_stage_share_its_units() -> None:
    """Each unit goes to one of them; all of them end with the stream."""

    class Workers(Stage[int]):
        async def run(self) -> None:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(5):
                    tasks.create_task(self.work())

        async def work(self) -> None:
            async for unit in self.items():
                await asyncio.sleep(0)
                await self.put(unit)

    collect = Collect()

    await create_pipeline([Numbers(range(500)), Workers(), collect, EndStage()], maxsize=7)

    assert sorted(collect.seen) == list(range(500))


async def test_none_is_no_unit() -> None:
    """It is refused where it is put, with the stage's name."""

    class PutsNone(Stage[int | None]):
        async def run(self) -> None:
            with pytest.raises(ValueError, match="'PutsNone' put None"):
                await self.put(None)

    await create_pipeline([PutsNone(), EndStage()])


async def test_zero_and_other_empty_things_are_units() -> None:
    """Only None is nothing."""
    collect = Collect()

    await create_pipeline([Numbers([0, 0]), collect])

    assert collect.seen == [0, 0]


async def test_a_stage_outside_of_a_pipeline_says_how_to_run_it() -> None:
    """Whatever is tried first: running, reading, putting, asking for the context."""
    stage = PassOn()

    with pytest.raises(NotConnected, match="create_pipeline"):
        await stage()
    with pytest.raises(NotConnected, match="'PassOn' is not connected"):
        await stage.run()
    with pytest.raises(NotConnected):
        await stage.put(1)
    with pytest.raises(NotConnected):
        await anext(stage.batches())
    with pytest.raises(NotConnected):
        _ = stage.context


async def test_a_stage_finds_the_context_that_its_pipeline_was_given() -> None:
    """And where there is none, it is told that it works without a depot."""
    seen = []

    class Asks(Stage[int]):
        async def run(self) -> None:
            seen.append(self.context)

    await create_pipeline([Asks()], context="a depot")

    with pytest.raises(NotBound, match="'Asks' is not bound to a depot"):
        await create_pipeline([Asks()])
    assert seen == ["a depot"]


async def test_a_stage_needs_no_super_init_and_is_told_apart_by_identity() -> None:
    """Stages that compare equal, and even frozen ones, are two stages."""

    @attrs.frozen
    class Add(Stage[int]):
        much: int

        async def run(self) -> None:
            async for number in self.items():
                await self.put(number + self.much)

    collect = Collect()
    assert Add(1) == Add(1)

    await create_pipeline([Numbers([1, 2]), Add(1), Add(1), collect])

    assert collect.seen == [3, 4]


async def test_a_stage_can_be_run_again_but_not_twice_at_once() -> None:
    """After a run, also a failed one, it is free."""
    shared = PassOn()
    collect = Collect()
    await create_pipeline([Numbers([1]), shared, collect])
    await create_pipeline([Numbers([2]), shared, collect])
    assert collect.seen == [1, 2]

    class RunsAnother(Stage[int]):
        async def run(self) -> None:
            await create_pipeline([Numbers([3]), shared])

    with pytest.raises(Exception, match="already runs in another pipeline") as raised:
        await create_pipeline([RunsAnother(), shared])
    assert isinstance(raised.value.__cause__, ValueError)
    await create_pipeline([Numbers([4]), shared, collect])
    assert collect.seen == [1, 2, 4]


async def test_a_stage_without_run_cannot_be_made() -> None:
    """It is told at once, not when a sync is half done."""

    class Nothing(Stage[int]):
        pass

    with pytest.raises(TypeError, match="run"):
        Nothing()  # type: ignore[abstract]  # that is the point


async def test_what_a_stage_does_in_its_call_happens_around_its_run() -> None:
    """A subclass may wrap `__call__`, and even leave the base out: the next stage learns of the end."""
    told = []

    class Wrapped(PassOn):
        async def __call__(self) -> None:
            told.append("before")
            await self.run()
            told.append("after")

    collect = Collect()

    await create_pipeline([Numbers([1]), Wrapped(), collect])

    assert collect.seen == [1]
    assert told == ["before", "after"]


async def test_a_task_that_outlives_its_stage_cannot_put() -> None:
    """The end was told already: what came after it would be lost without a word."""
    late: list[asyncio.Task[None]] = []
    ended = asyncio.Event()

    class LeavesATask(Stage[int]):
        async def run(self) -> None:
            late.append(asyncio.ensure_future(self.put_late()))

        async def put_late(self) -> None:
            await ended.wait()
            await self.put(1)

    class Waits(Stage[int]):
        async def run(self) -> None:
            async for _ in self.items():
                pass
            ended.set()
            await asyncio.wait(late)

    await create_pipeline([LeavesATask(), Waits()])

    with pytest.raises(PipelineStopped):
        await late[0]


async def test_an_end_stage_drains_and_puts_nothing_on() -> None:
    """What reaches it goes no further."""
    collect = Collect()
    pipeline = Pipeline([Numbers(range(20)), EndStage(), collect])

    await pipeline.run()

    assert collect.seen == []
    assert pipeline.trace.stages[1].units_in == 20
