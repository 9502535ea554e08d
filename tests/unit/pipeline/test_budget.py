"""Shares of a limit, leased and given back."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.pipeline.budget import Budget, Lease
from entrepot.pipeline.run import create_pipeline
from entrepot.pipeline.stage import Stage
from number_stages import Numbers, settle


async def test_a_lease_waits_until_there_is_enough() -> None:
    """And is granted the moment a share is given back."""
    budget = Budget(10)
    first = await budget.lease(7)
    waiting = asyncio.ensure_future(budget.lease(4))
    await settle()
    assert not waiting.done()

    first.close()
    second = await waiting

    assert budget.leased == second.amount == 4


async def test_leases_are_granted_in_the_order_in_which_they_were_asked_for() -> None:
    """A small one does not overtake a large one, which would starve it."""
    budget = Budget(10)
    first = await budget.lease(8)
    large, small = asyncio.ensure_future(budget.lease(9)), asyncio.ensure_future(budget.lease(1))
    await settle()
    assert not small.done()

    first.close()
    await settle()

    assert large.done()
    assert small.done()


async def test_a_lease_larger_than_the_budget_waits_until_all_is_back_and_takes_all() -> None:
    """One file may be larger than what is allowed for all of them."""
    budget = Budget(10)
    small = await budget.lease(1)
    huge = asyncio.ensure_future(budget.lease(10**12))
    await settle()
    assert not huge.done()

    small.close()
    lease = await huge
    after = asyncio.ensure_future(budget.lease(1))
    await settle()
    assert not after.done()

    lease.close()
    await after


async def test_a_lease_is_given_back_once() -> None:
    """By `close`, however often, or by the end of a block, also one that fails."""
    budget = Budget(10)
    lease = await budget.lease(6)
    lease.close()
    lease.close()
    assert budget.leased == 0

    async def fail() -> None:
        with await budget.lease(3):
            assert budget.leased == 3
            raise LookupError

    with pytest.raises(LookupError):
        await fail()

    assert budget.leased == 0


async def test_a_cancelled_wait_lets_the_next_one_in() -> None:
    """The one that was too large no longer stands in the way."""
    budget = Budget(10)
    first = await budget.lease(5)
    large, small = asyncio.ensure_future(budget.lease(9)), asyncio.ensure_future(budget.lease(5))
    await settle()

    large.cancel()
    await settle()

    assert small.done()
    first.close()
    (await small).close()
    assert budget.leased == 0


async def test_a_wait_cancelled_in_the_moment_of_its_grant_takes_nothing() -> None:
    """The share goes back, or to the next."""
    budget = Budget(10)
    first = await budget.lease(10)
    waiting = asyncio.ensure_future(budget.lease(10))
    await settle()

    first.close()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert budget.leased == 0


@pytest.mark.parametrize(("limit", "amount"), [(0, 1), (-5, 1), (1, -1)])
async def test_limits_and_shares_that_make_no_sense_are_refused(limit: int, amount: int) -> None:
    """Where they are made."""
    with pytest.raises(ValueError, match=r"limit is|amount is"):
        await Budget(limit).lease(amount)


@settings(deadline=None, max_examples=60)
@given(
    limit=st.integers(1, 20),
    amounts=st.lists(st.integers(0, 30), min_size=1, max_size=25),
    troubles=st.lists(st.sampled_from(["none", "fail", "cancel", "cancel at once"]), min_size=25, max_size=25),
    seed=st.randoms(use_true_random=False),
)
def test_what_goes_out_comes_back(limit: int, amounts: list[int], troubles: list[str], seed: random.Random) -> None:
    """Whoever fails or is cancelled, wherever; the limit is never passed, and all come to their turn."""
    budget = Budget(limit)
    ends: Counter[str] = Counter()

    async def use(amount: int, trouble: str) -> None:
        with await budget.lease(amount) as lease:
            assert lease.amount == min(amount, limit)
            assert 0 <= budget.leased <= limit
            for _ in range(seed.randint(0, 3)):
                await asyncio.sleep(0)
            if trouble == "fail":
                raise LookupError
            ends["used"] += 1

    async def run() -> None:
        async with asyncio.timeout(20):
            tasks = [
                asyncio.ensure_future(use(amount, trouble)) for amount, trouble in zip(amounts, troubles, strict=False)
            ]
            for task, trouble in zip(tasks, troubles, strict=False):
                if trouble == "cancel":
                    for _ in range(seed.randint(0, 2)):
                        await asyncio.sleep(0)
                if trouble.startswith("cancel"):
                    task.cancel()
            await asyncio.wait(tasks)

    asyncio.run(run())

    assert budget.leased == 0
    assert ends["used"] >= sum(trouble == "none" for trouble in troubles[: len(amounts)])


@pytest.mark.parametrize("maxsize", [1, 2, 100])
@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_waiting_for_budget_makes_later_stages_give_it_back(maxsize: int, size: int) -> None:
    """A stage that saves files in batches does not hold what the downloads before it wait for."""
    budget = Budget(5)
    leases: dict[int, Lease] = {}

    class Downloads(Stage[int]):
        async def run(self) -> None:
            async for number in self.items():
                leases[number] = await budget.lease(size, waiting=self._run.waiting)
                await self.put(number)

    class Saves(Stage[int]):
        async def run(self) -> None:
            async for batch in self.batches(minsize=500):
                for number in batch:
                    leases[number].close()

    async with asyncio.timeout(20):
        await create_pipeline([Numbers(range(40)), Downloads(), Saves()], maxsize)

    assert len(leases) == 40
    assert budget.leased == 0
