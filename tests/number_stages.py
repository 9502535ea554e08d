"""Stages that know only integers, to run the engine with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from entrepot.pipeline.stage import Stage


class Numbers(Stage[int]):
    """Put on the numbers that it was made with."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self.numbers = numbers

    async def run(self) -> None:
        for number in self.numbers:
            await self.put(number)


class PassOn(Stage[int]):
    """Put on what comes."""

    async def run(self) -> None:
        async for number in self.items():
            await self.put(number)


class PassOnBatches(Stage[int]):
    """Put on what comes, a batch at a time, and remember the sizes."""

    def __init__(self, minsize: int = 500) -> None:
        self.minsize = minsize
        self.sizes: list[int] = []

    async def run(self) -> None:
        async for batch in self.batches(self.minsize):
            self.sizes.append(len(batch))
            for number in batch:
                await self.put(number)


class Collect(Stage[int]):
    """Remember what comes, and put it on."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    async def run(self) -> None:
        async for number in self.items():
            self.seen.append(number)
            await self.put(number)


class Take(Stage[int]):
    """Put on the first few, and read no more."""

    def __init__(self, count: int) -> None:
        self.count = count

    async def run(self) -> None:
        left = self.count
        async for number in self.items():
            await self.put(number)
            left -= 1
            if not left:
                return


class FailAt(Stage[int]):
    """Put on what comes, until one number is too much."""

    def __init__(self, number: int, error: BaseException) -> None:
        self.number, self.error = number, error

    async def run(self) -> None:
        async for number in self.items():
            if number == self.number:
                raise self.error
            await self.put(number)


class Sleeper(Stage[int]):
    """Wait for ever without reading, and note that it was cancelled."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.was_cancelled = False

    async def run(self) -> None:
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


async def settle() -> None:
    """Let every other task go on until it waits for something that has not happened."""
    for _ in range(50):
        await asyncio.sleep(0)


def nothing_is_left_running() -> bool:
    """Whether the test's own task is the only one."""
    return asyncio.all_tasks() == {asyncio.current_task()}
