"""Stages that stand before and after the one under test, and what may be asked of a run."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from entrepot.errors import EntrepotError, Failed, Refused
from entrepot.model.declarative import PATIENCE, DeclarativeContent
from entrepot.stages.stage import Stage

#: Seconds between two looks at whether the loop still turns.
_BEAT = 0.002


class Trouble(EntrepotError):
    """What a neighbour fails with."""

    def __init__(self) -> None:
        super().__init__("a neighbour fails on purpose", remedy="end when another stage fails")


class Source(Stage):
    """Puts units on; with `asking`, waits for each one's resolution before the next."""

    def __init__(self, units: Iterable[DeclarativeContent], *, asking: bool = False, fail_after: int = -1) -> None:
        self._units, self._asking, self._fail_after = units, asking, fail_after

    async def run(self) -> None:
        for number, unit in enumerate(self._units):
            if number == self._fail_after:
                raise Trouble
            await self.put(unit)
            if self._asking:
                with suppress(Refused, Failed):
                    await unit.resolution()


class Sink(Stage):
    """Remembers what comes, in order, and resolves it; fails in the place of one more, if told to."""

    def __init__(self, *, fail_after: int | None = None) -> None:
        self.units: list[DeclarativeContent] = []
        self._fail_after = fail_after

    async def run(self) -> None:
        async for unit in self.items():
            if len(self.units) == self._fail_after:
                break
            unit.resolve()
            self.units.append(unit)
        if self._fail_after is not None:
            raise Trouble


class Census:
    """Knows every task that a stage started, itself or through what it called."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Future[Any]] = []

    @property
    def running(self) -> list[asyncio.Future[Any]]:
        """Tasks that have not ended."""
        return [task for task in self.tasks if not task.done()]

    async def ended(self, patience: float) -> bool:
        """Whether every task ends within so many seconds."""
        if self.running:
            await asyncio.wait(self.running, timeout=patience)
        return not self.running

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Note who is started while the block runs."""
        loop = asyncio.get_running_loop()
        before = loop.get_task_factory()
        factory: Any = self._make  # what the loop hands on differs between versions of Python
        loop.set_task_factory(factory)
        try:
            yield
        finally:
            loop.set_task_factory(before)

    def _make(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **how: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **how)
        if PATIENCE.get() is not None:
            self.tasks.append(task)
        return task


async def longest_turn(work: Coroutine[Any, Any, Any]) -> float:
    """Do some work, and return the longest time, in seconds, in which the loop did nothing else."""
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        last = time.perf_counter()
        while True:
            await asyncio.sleep(_BEAT)
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()

    beating = asyncio.create_task(beat())
    try:
        await asyncio.sleep(0)
        await work
        await asyncio.sleep(2 * _BEAT)
    finally:
        beating.cancel()
    return longest


@contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Let `tempfile` make everything in a folder, so that what is left behind can be seen."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


async def cancelled_after(turns: int, work: Coroutine[Any, Any, Any], *, patience: float) -> bool:
    """Start work, cancel it after so many turns of the loop; whether it ended in time."""
    running = asyncio.ensure_future(work)
    for _ in range(turns):
        await asyncio.sleep(0)
    was_done = running.done()
    running.cancel()
    await asyncio.wait([running], timeout=patience)
    if was_done:
        await running
    return was_done or (running.done() and running.cancelled())
