"""Questions that are asked one by one are answered together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from entrepot.catalog.together import Together


class Oracle:
    """Answers with the square, after a turn of the loop; -1 makes it fail."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.together = Together(self.answers)

    async def answers(self, questions: Sequence[int]) -> list[int]:
        self.asked.append(list(questions))
        await asyncio.sleep(0)
        if -1 in questions:
            raise ValueError("no root")
        return [question**2 for question in questions]


async def test_what_many_tasks_ask_over_and_over_is_asked_in_few_rounds() -> None:
    """As often as each task asks, not as often as all do; everybody gets their own answer."""
    oracle = Oracle()

    async def asker(number: int) -> None:
        for step in range(10):
            question = number * 10 + step
            assert await oracle.together.ask(question) == question**2

    await asyncio.gather(*(asker(number) for number in range(20)))

    assert sorted(question for asked in oracle.asked for question in asked) == list(range(200))
    assert len(oracle.asked) <= 11


async def test_an_error_is_told_to_whoever_asked_with_it_and_to_nobody_after() -> None:
    """The next question is asked anew."""
    oracle = Oracle()

    told = await asyncio.gather(*(oracle.together.ask(number) for number in (-1, 2)), return_exceptions=True)

    assert [str(error) for error in told] == ["no root", "no root"]
    assert await oracle.together.ask(3) == 9


async def test_who_is_cancelled_holds_up_nobody() -> None:
    """Not even when it was the first, for whom the answer was begun."""
    oracle = Oracle()
    first, second = (asyncio.create_task(oracle.together.ask(number)) for number in (1, 2))
    await asyncio.sleep(0)
    first.cancel()

    assert await second == 4
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await oracle.together.ask(5) == 25
