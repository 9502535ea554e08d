"""A stage's place in one run: its input, its output, and what it may ask of the run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Generic, TypeVar

from entrepot.pipeline.channel import Channel
from entrepot.pipeline.intake import Intake
from entrepot.pipeline.meter import OTHERS, Meter
from entrepot.pipeline.waiters import Waiters

T = TypeVar("T")
R = TypeVar("R")


class Connection(Generic[T]):
    """What joins a stage to the run it takes part in, from the start of that run to its end."""

    __slots__ = ("_place", "_waiters", "context", "input", "meter", "output", "owner")

    def __init__(self, intake: Intake[T], output: Channel[T], *, meter: Meter, waiters: Waiters, place: int) -> None:
        self.input, self.output = intake, output
        self.meter = meter
        self.context: object = None
        self.owner = ""
        self._waiters, self._place = waiters, place

    async def wait_for(self, future: asyncio.Future[R]) -> R:
        """Wait for what a later stage completes for a unit that was already put on.

        Never dead-locks: while anybody waits, no stage holds units back. Raises `PipelineStopped` when
        the run, or every later stage, ends first. Cancelling leaves `future` as it is.
        """
        if future.done():
            return await self._waiters.wait_for(future)
        with self._waiting_for_others():
            return await self._waiters.wait_for(future, self._place)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count as a waiter while the block runs: for whatever a later stage gives back, as a budget is."""
        with self._waiting_for_others(), self._waiters.waiting():
            yield

    def hurrying(self) -> AbstractContextManager[None]:
        """Let no stage hold units back while the block runs, without being one that waits."""
        return self._waiters.waiting()

    def count_refused(self, units: int = 1) -> None:
        """Note in the trace that units were left out on purpose."""
        self.meter.refused += units

    def count_failed(self, units: int = 1) -> None:
        """Note in the trace that units were given up on."""
        self.meter.failed += units

    @contextmanager
    def _waiting_for_others(self) -> Iterator[None]:
        self.meter.begin(OTHERS)
        try:
            yield
        finally:
            self.meter.end(OTHERS)
