"""The engine under hundreds of schedules: whoever goes on first, the result is the same, and nobody is left."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any, Final

import attrs
import pytest

from entrepot.errors import PipelineStopped, StageFailed
from entrepot.pipeline.budget import Budget, Lease
from entrepot.pipeline.channel import Channel
from entrepot.pipeline.meter import Meter
from entrepot.pipeline.run import Pipeline
from entrepot.pipeline.stage import Stage
from seeded_loop import DeadLock, run, under_schedules
from seeds import seed

#: Schedules for each test; there are more than a thousand in all.
SCHEDULES: Final = 200


@attrs.define(eq=False)
class Unit:
    """A number, whether it was saved, and the share of a budget that it holds."""

    number: int
    saved: asyncio.Future[int] = attrs.field(factory=lambda: asyncio.get_running_loop().create_future())
    lease: Lease | None = None


class Source(Stage[Unit]):
    """Puts units on, now and then after a moment."""

    def __init__(self, units: int, dice: random.Random) -> None:
        self.units, self.dice = units, dice

    async def run(self) -> None:
        for number in range(self.units):
            await pause(self.dice)
            await self.put(Unit(number))
            self.check_room()

    def check_room(self) -> None:
        assert len(self._run.output.units) <= self._run.output.capacity, "more units than there is room for"


class Pass(Source):
    """Passes units on, one by one."""

    async def run(self) -> None:
        async for unit in self.items():
            await pause(self.dice)
            await self.put(unit)
            self.check_room()


class PassBatches(Source):
    """Passes units on in batches of a size that seldom fills."""

    async def run(self) -> None:
        async for batch in self.batches(self.dice.randrange(1, 50)):
            assert batch
            await pause(self.dice)
            for unit in batch:
                await self.put(unit)
                self.check_room()


class PassSideBySide(Pass):
    """Passes units on from several tasks that share the input."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(super().run())


class Awaits(Source):
    """Puts each unit on, and waits until it is saved."""

    async def run(self) -> None:
        async for unit in self.items():
            await self.put(unit)
            assert await self._run.wait_for(unit.saved) == unit.number


class AwaitsSideBySide(Source):
    """Puts units on, and has tasks that wait until they are saved."""

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            async for unit in self.items():
                await self.put(unit)
                tasks.create_task(self._run.wait_for(unit.saved))


class Leases(Source):
    """Takes a share of a budget for each unit."""

    def __init__(self, budget: Budget, dice: random.Random) -> None:
        super().__init__(0, dice)
        self.budget = budget

    async def run(self) -> None:
        async for unit in self.items():
            unit.lease = await self.budget.lease(self.dice.randrange(1, 4), waiting=self._run.waiting)
            await self.put(unit)


class Saves(Source):
    """Saves what comes, in batches, and gives shares back."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__(0, dice)
        self.seen: list[int] = []

    async def run(self) -> None:
        async for batch in self.batches(500):
            await pause(self.dice)
            for unit in batch:
                self.seen.append(unit.number)
                unit.saved.set_result(unit.number)
                if unit.lease is not None:
                    unit.lease.close()


class Fails(Source):
    """Fails at some unit, after a moment."""

    async def run(self) -> None:
        async for unit in self.items():
            if unit.number >= self.units:
                await pause(self.dice)
                raise LookupError("planted")
            await self.put(unit)


class BreaksOff(Source):
    """Looks at some units, passes them on, and ends."""

    async def run(self) -> None:
        left = self.units
        async for unit in self.items():
            await self.put(unit)
            left -= 1
            if not left:
                return


async def pause(dice: random.Random) -> None:
    """Do nothing, let others go on, or let time pass."""
    match dice.randrange(4):
        case 0:
            await asyncio.sleep(0)
        case 1:
            await asyncio.sleep(dice.random())
        case _:
            pass


def middle(dice: random.Random, *more: Stage[Unit]) -> list[Stage[Unit]]:
    """Some stages that pass units on, and these among them."""
    kinds = [Pass, PassBatches, PassSideBySide, Awaits, AwaitsSideBySide]
    stages: list[Stage[Unit]] = [dice.choice(kinds)(0, dice) for _ in range(dice.randrange(4))]
    for stage in more:
        stages.insert(dice.randrange(len(stages) + 1), stage)
    return stages


def others() -> set[asyncio.Task[Any]]:
    """Tasks beside the one that asks."""
    return asyncio.all_tasks() - {asyncio.current_task()}


def test_every_unit_comes_through_whatever_the_order() -> None:
    """At any size of queue down to 1, with stages that wait for later ones, share input, or hold budgets."""

    async def main(dice: random.Random) -> None:
        units, budget, last = dice.randrange(12), Budget(dice.randrange(1, 6)), Saves(dice)
        stages = [Source(units, dice), *middle(dice, Leases(budget, dice)), last]
        pipeline = Pipeline(stages, dice.choice([1, 1, 2, 7]))

        await pipeline.run()

        assert sorted(last.seen) == list(range(units))
        assert budget.leased == 0
        assert others() == set()
        passed = [stage.units_in for stage in pipeline.trace.stages[1:]]
        assert passed == [units] * len(passed)

    under_schedules(seed(1000), SCHEDULES, main)


@pytest.mark.fault("D09")
@pytest.mark.promise("P06")
def test_a_failure_ends_all_and_is_the_one_that_is_told() -> None:
    """The first stage that fails is named; nobody runs on, and nobody waits for what will not come."""

    async def main(dice: random.Random) -> None:
        fails, last = Fails(dice.randrange(6), dice), Saves(dice)
        stages = [Source(12, dice), *middle(dice, fails, Leases(Budget(50), dice)), last]

        with pytest.raises(StageFailed) as failure:
            await Pipeline(stages, dice.choice([1, 2, 7])).run()

        assert isinstance(failure.value.__cause__, LookupError)
        assert failure.value.where.startswith("stage 'Fails'"), failure.value.where
        assert others() == set()

    under_schedules(seed(2000), SCHEDULES, main)


@pytest.mark.fault("D08")
@pytest.mark.promise("P23")
def test_cancelling_at_any_moment_ends_all_at_once() -> None:
    """Cancelled at any await of anybody: nothing is left, shares are given back, no time passes."""

    async def main(dice: random.Random) -> None:
        loop = asyncio.get_running_loop()
        budget, last = Budget(dice.randrange(1, 6)), Saves(dice)
        pipeline = Pipeline([Source(12, dice), *middle(dice, Leases(budget, dice)), last], dice.choice([1, 2, 7]))
        running = asyncio.create_task(pipeline.run())
        for _ in range(dice.randrange(120)):
            await asyncio.sleep(0)
        was_over, began = running.done(), loop.time()

        running.cancel()

        with suppress(asyncio.CancelledError):
            await running
        assert running.cancelled() or was_over
        assert loop.time() == began
        assert others() == set()
        assert not any(queued for queued in budget._queue if not queued[1].done())

    under_schedules(seed(3000), SCHEDULES, main)


def test_a_stage_that_breaks_off_disturbs_nobody_before_it() -> None:
    """What it did not read is counted; those who wait for a unit that nobody will save are told."""

    async def main(dice: random.Random) -> None:
        units, wanted = dice.randrange(4, 14), dice.randrange(1, 4)
        before = [dice.choice([Pass, PassBatches])(0, dice) for _ in range(dice.randrange(3))]
        breaks_off, last = BreaksOff(wanted, dice), Saves(dice)
        pipeline = Pipeline([Source(units, dice), *before, breaks_off, last], dice.choice([1, 2, 7]))

        await pipeline.run()

        assert last.seen == list(range(wanted))
        trace = pipeline.trace.stages[1 + len(before)]
        assert trace.units_in + trace.unread == units
        assert others() == set()

    under_schedules(seed(4000), SCHEDULES, main)


def test_whoever_waits_for_a_unit_that_is_never_saved_is_told() -> None:
    """When every later stage has ended, or the run, waiting ends with an error and not never."""

    async def main(dice: random.Random) -> None:
        stages = [Source(6, dice), Awaits(0, dice), BreaksOff(1, dice)]

        with pytest.raises(PipelineStopped):
            await Pipeline(stages, dice.choice([1, 2])).run()

        assert others() == set()

    under_schedules(seed(5000), SCHEDULES, main)


def test_a_channel_that_is_stopped_or_abandoned_holds_nobody() -> None:
    """Senders and readers at any moment: each unit is taken once, dropped and counted, or refused."""

    async def main(dice: random.Random) -> None:
        meter = Meter(lambda: 0.0)
        channel: Channel[int] = Channel(dice.choice([1, 2, 5]), writer=meter, reader=meter)
        taken: list[int] = []
        put: list[int] = []

        async def send(first: int) -> None:
            for number in range(first, first + 5):
                await channel.put(number)
                put.append(number)

        async def read() -> None:
            while channel.units or not channel.ended:
                await channel.arrival()
                taken.extend(channel.take())
                await pause(dice)

        tasks = [asyncio.create_task(send(10 * number)) for number in range(3)]
        tasks += [asyncio.create_task(read()) for _ in range(2)]
        await asyncio.sleep(dice.random())
        end = dice.choice([channel.abandon, channel.stop])
        end()
        await asyncio.wait(tasks)

        assert len(taken) == len(set(taken)) == channel.taken
        assert all(task.cancelled() or task.exception() is None for task in tasks)
        if end == channel.abandon:
            assert sorted(put) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 20, 21, 22, 23, 24]
            assert channel.taken + channel.dropped == len(put)
        assert set(taken) <= set(range(25))

    under_schedules(seed(6000), SCHEDULES, main)


def test_whoever_gives_up_waiting_for_a_share_takes_none_and_stops_nobody() -> None:
    """Cancelled while it waits, or at the very moment it is let in: the others come to their turn."""

    async def main(dice: random.Random) -> None:
        budget = Budget(3)
        finished: list[int] = []

        async def work(number: int) -> None:
            with await budget.lease(dice.randrange(1, 5)):
                await pause(dice)
            finished.append(number)

        workers = [asyncio.create_task(work(number)) for number in range(6)]
        for worker in dice.sample(workers, 3):
            await pause(dice)
            worker.cancel()
        await asyncio.wait(workers)

        assert budget.leased == 0
        assert sorted(finished) == [number for number, worker in enumerate(workers) if not worker.cancelled()]

    under_schedules(seed(7000), SCHEDULES, main)


async def lost_update(counter: list[int], *, hurry: bool = False) -> None:
    """A planted race: what another adds while this one waits is lost."""
    for _ in range(0 if hurry else 4):
        await asyncio.sleep(0)
    before = counter[0]
    await asyncio.sleep(0)
    counter[0] = before + 1


async def count_to_two() -> int:
    counter = [0]
    await asyncio.gather(lost_update(counter, hurry=True), lost_update(counter))
    return counter[0]


def test_a_planted_race_is_found_that_the_usual_loop_never_shows() -> None:
    """The usual loop counts to two each time; some of our schedules lose an update, each the same way again."""
    assert {asyncio.run(count_to_two()) for _ in range(20)} == {2}

    outcomes = [run(count_to_two(), seed=each) for each in range(100)]

    assert set(outcomes) == {1, 2}
    assert outcomes == [run(count_to_two(), seed=each) for each in range(100)]


def test_a_planted_dead_lock_is_an_error_at_once() -> None:
    """Nobody waits for a clock when everybody waits for somebody."""

    async def wait_for_nobody() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(DeadLock, match="wait_for_nobody"):
        run(wait_for_nobody(), seed=1)
