"""Who waits for what a later stage does, so that no batch is held back from them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from entrepot.errors import PipelineStopped

R = TypeVar("R")

ANYWHERE = -1


class Waiters:
    """Counts those who wait in one run; while there are any, no stage holds units back.

    Every batch that is being gathered is told when the first waiter comes. Batches know nothing of
    who waits or for which unit, and so cannot guess wrong. `resolver` is the position of the last
    stage that completes units, where that is known: what is awaited when it has ended never will be.
    """

    def __init__(self, resolver: int = ANYWHERE) -> None:
        self.count = 0
        self._resolver = resolver
        self._nudges: list[Callable[[], None]] = []
        self._pending: dict[asyncio.Future[None], tuple[asyncio.Future[object], int]] = {}
        self._last_running: int | None = None

    def on_first(self, nudge: Callable[[], None]) -> None:
        """Call `nudge` each time somebody begins to wait while nobody else does."""
        self._nudges.append(nudge)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count as a waiter while the block runs."""
        self.count += 1
        if self.count == 1:
            for nudge in self._nudges:
                nudge()
        try:
            yield
        finally:
            self.count -= 1

    async def wait_for(self, future: asyncio.Future[R], place: int = ANYWHERE) -> R:
        """Wait for what a later stage completes, and return or raise what it says.

        Cancelling the caller leaves `future` as it is: others may await it too. When the run ends
        first, or every stage that could do it from position `place`, `future` fails with `PipelineStopped`.
        """
        if not future.done():
            if self._is_hopeless(place):
                raise _stopped()
            await self._until_done(future, place)
        if future.cancelled():
            raise PipelineStopped("what was awaited was called off", remedy="see which stage cancelled it")
        return future.result()

    def running_up_to(self, last: int) -> None:
        """Tell that no stage after position `last` runs any more, and end waits that it makes vain."""
        self._last_running = last
        for future, place in list(self._pending.values()):
            if self._is_hopeless(place) and not future.done():
                future.set_exception(_stopped())
                future.exception()  # marks it as seen: whoever waited may have been cancelled meanwhile

    def stop(self) -> None:
        """End every wait, and refuse new ones: the run is over."""
        self.running_up_to(ANYWHERE)

    def _is_hopeless(self, place: int) -> bool:
        last = self._last_running
        return last is not None and (last == ANYWHERE or place >= last or last < self._resolver)

    async def _until_done(self, future: asyncio.Future[R], place: int) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def wake(_: asyncio.Future[R]) -> None:
            if not woken.done():
                woken.set_result(None)

        future.add_done_callback(wake)
        self._pending[woken] = (future, place)  # type: ignore[assignment]  # only ever failed, never given a result
        try:
            with self.waiting():
                await woken
        finally:
            del self._pending[woken]
            future.remove_done_callback(wake)


def _stopped() -> PipelineStopped:
    return PipelineStopped(
        "the run ended before the awaited unit was saved", remedy="look at the other errors of this run: they say why"
    )
