"""Waiting for what later stages do never dead-locks a run."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.errors import PipelineStopped
from entrepot.pipeline.run import Pipeline, create_pipeline
from entrepot.pipeline.stage import EndStage, Stage
from entrepot.pipeline.waiters import Waiters
from number_stages import Collect, Numbers, PassOn, PassOnBatches, Take, settle

Futures = dict[int, "asyncio.Future[int]"]


class AwaitsSome(Stage[int]):
    """Put on what comes, or numbers of its own, and wait for some of them to be resolved."""

    def __init__(self, futures: Futures, awaited: set[int], numbers: range = range(0)) -> None:
        self.futures, self.awaited, self.numbers = futures, awaited, numbers
        self.answers: list[int] = []

    async def run(self) -> None:
        for number in self.numbers:
            await self.handle(number)
        async for number in self.items():
            await self.handle(number)

    async def handle(self, number: int) -> None:
        if number in self.awaited:
            future = self.futures.setdefault(number, asyncio.get_running_loop().create_future())
            await self.put(number)
            self.answers.append(await self._run.wait_for(future))
        else:
            await self.put(number)


class Resolves(Stage[int]):
    """Complete the future of each number that comes by."""

    def __init__(self, futures: Futures, minsize: int) -> None:
        self.futures, self.minsize = futures, minsize

    async def run(self) -> None:
        async for batch in self.batches(self.minsize):
            for number in batch:
                future = self.futures.get(number)
                if future is not None and not future.done():
                    future.set_result(number)
                await self.put(number)


@settings(deadline=None, max_examples=120)
@given(
    maxsize=st.integers(1, 12),
    minsizes=st.lists(st.integers(1, 600), max_size=5),
    last_minsize=st.integers(1, 600),
    awaited=st.sets(st.integers(0, 59), max_size=12),
    awaited_later=st.sets(st.integers(0, 59), max_size=4),
    position=st.integers(0, 5),
)
def test_awaiting_a_unit_that_was_put_on_never_dead_locks(
    maxsize: int,
    minsizes: list[int],
    last_minsize: int,
    awaited: set[int],
    awaited_later: set[int],
    position: int,
) -> None:
    """At any size of queue and batch, at any depth, by the first stage and by one in the middle at once."""
    first_futures: Futures = {}
    later_futures: Futures = {}
    first = AwaitsSome(first_futures, awaited, range(60))
    later = AwaitsSome(later_futures, awaited_later)
    middle: list[Stage[int]] = [PassOnBatches(minsize) if minsize % 3 else PassOn() for minsize in minsizes]
    middle.insert(min(position, len(middle)), later)
    collect = Collect()
    ends = [Resolves(first_futures, last_minsize), Resolves(later_futures, 1 + last_minsize // 2)]

    async def run() -> None:
        async with asyncio.timeout(20):
            await create_pipeline([first, *middle, *ends, collect, EndStage()], maxsize)

    asyncio.run(run())

    assert collect.seen == list(range(60))
    assert sorted(first.answers) == sorted(awaited)
    assert sorted(later.answers) == sorted(awaited_later)


async def test_batches_that_are_being_gathered_are_let_go_when_somebody_begins_to_wait() -> None:
    """Also those that were waiting for more already."""
    futures: Futures = {}
    gathered = PassOnBatches(minsize=500)

    class LateWaiter(AwaitsSome):
        async def run(self) -> None:
            for number in range(3):
                await self.put(number)
            await settle()
            assert gathered.sizes == []
            await self.handle(3)
            assert sum(gathered.sizes) == 4

    async with asyncio.timeout(20):
        await create_pipeline([LateWaiter(futures, {3}), gathered, Resolves(futures, 1), EndStage()])

    assert gathered.sizes[0] >= 3


async def test_a_batch_waits_for_more_once_nobody_waits() -> None:
    """One waiter does not make all later batches small."""
    futures: Futures = {}
    gathered = PassOnBatches(minsize=100)

    async with asyncio.timeout(20):
        await create_pipeline([AwaitsSome(futures, {0}, range(1001)), gathered, Resolves(futures, 1)], maxsize=10)

    assert gathered.sizes[0] == 1
    assert all(size >= 100 for size in gathered.sizes[1:-1])


async def test_a_waiting_run_with_nothing_to_give_does_not_spin() -> None:
    """An empty batch is not given, and a reader without units sleeps however many wait."""
    wakeups = []

    class Counts(Stage[int]):
        async def run(self) -> None:
            async for batch in self.batches():
                wakeups.append(batch)

    class Waits(Stage[int]):
        async def run(self) -> None:
            with self._run.waiting():
                await settle()

    await create_pipeline([Waits(), Counts()])

    assert wakeups == []


async def test_waiting_in_vain_ends_with_the_stages_that_could_have_helped() -> None:
    """When every later stage has ended, a unit that was left on the way will never be resolved."""
    async with asyncio.timeout(20):
        with pytest.raises(PipelineStopped, match="before the awaited unit was saved") as raised:
            await create_pipeline([AwaitsSome({}, {5}, range(10)), Take(2), EndStage()])

    assert "stage 'AwaitsSome'" in raised.value.where


class Completes(Resolves):
    """The stage that a plan relies on for completing what is awaited."""

    gives: ClassVar = frozenset({"completed"})


@pytest.mark.fault("D09")
@pytest.mark.promise("P25")
@pytest.mark.parametrize("between", [[PassOn()], [PassOn(), PassOnBatches(100)]], ids=["one", "two"])
async def test_waiting_in_vain_ends_although_stages_between_still_run(between: list[Stage[int]]) -> None:
    """These wait for the one who waits; what could complete the unit has ended, its input closed too soon."""
    futures: Futures = {}
    stages = [AwaitsSome(futures, {5}, range(10)), *between, Take(2), Completes(futures, 1), EndStage()]

    async with asyncio.timeout(20):
        with pytest.raises(PipelineStopped, match="before the awaited unit was saved") as raised:
            await Pipeline(stages, resolved="completed").run()

    assert "stage 'AwaitsSome'" in raised.value.where


async def test_whoever_waits_outside_of_a_stage_is_told_that_the_run_is_over() -> None:
    """A wait that begins afterwards is told at once; what was completed is still given."""
    pipeline = Pipeline([Numbers(range(3)), EndStage()])
    loop = asyncio.get_running_loop()
    never, done = loop.create_future(), loop.create_future()
    done.set_result("saved")
    outside = asyncio.ensure_future(pipeline.waiters.wait_for(never))
    await settle()

    await pipeline.run()

    with pytest.raises(PipelineStopped):
        await outside
    with pytest.raises(PipelineStopped):
        await pipeline.waiters.wait_for(loop.create_future())
    assert await pipeline.waiters.wait_for(done) == "saved"


async def test_a_cancelled_waiter_leaves_the_future_to_others() -> None:
    """Several may await one unit."""
    waiters = Waiters()
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    one, other = (asyncio.ensure_future(waiters.wait_for(future)) for _ in range(2))
    await settle()
    assert waiters.count == 2

    one.cancel()
    await settle()
    assert waiters.count == 1

    future.set_result(7)
    assert await other == 7
    assert waiters.count == 0


async def test_what_the_awaited_unit_says_is_raised_and_a_cancelled_one_is_no_cancellation() -> None:
    """A stage must not take somebody else's cancellation for its own."""
    waiters = Waiters()
    loop = asyncio.get_running_loop()
    failed, called_off = loop.create_future(), loop.create_future()
    waits = [asyncio.ensure_future(waiters.wait_for(future)) for future in (failed, called_off)]
    await settle()

    failed.set_exception(LookupError("no such unit"))
    called_off.cancel()

    with pytest.raises(LookupError, match="no such unit"):
        await waits[0]
    with pytest.raises(PipelineStopped, match="called off"):
        await waits[1]
