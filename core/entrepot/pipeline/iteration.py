"""How a stage walks through its input.

These are no async generators: one of those that is broken off leaves a task behind to close it, and
on Python 3.12 and later each step costs about twice as much.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from entrepot.pipeline.intake import Intake

T = TypeVar("T")


class Items(AsyncIterator[T]):
    """Units one by one."""

    __slots__ = ("_hand", "_intake")

    def __init__(self, intake: Intake[T]) -> None:
        self._intake = intake
        self._hand = intake.hand

    async def __anext__(self) -> T:
        for unit in self._hand:
            return unit
        if not await self._intake.refill():
            raise StopAsyncIteration
        self._hand = self._intake.hand
        return next(self._hand)


class Batches(AsyncIterator[list[T]]):
    """Units in lists."""

    __slots__ = ("_intake", "_minsize")

    def __init__(self, intake: Intake[T], minsize: int) -> None:
        self._intake, self._minsize = intake, minsize

    async def __anext__(self) -> list[T]:
        batch = await self._intake.gather(self._minsize)
        if not batch:
            raise StopAsyncIteration
        return batch
