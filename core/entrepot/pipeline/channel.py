"""Bounded ways between stages that move chunks: a reader takes all that is there at once."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from entrepot.errors import PipelineStopped
from entrepot.pipeline.meter import INPUT, ROOM, Meter

T = TypeVar("T")

#: How many units are dropped before others get a turn: dropping never waits by itself.
FAIR_SHARE = 1000


class Channel(Generic[T]):
    """Hold at most `capacity` units between two stages, first in, first out.

    A unit can be taken as soon as `put` returns. Senders wait while the channel is full and are let
    in in the order in which they came. Any number of tasks may send and take. A cancelled `put` may
    have handed its unit over; a cancelled take loses nothing.

    Both ends close by themselves. After `close` the reader gets what is left, then the end. After
    `abandon` senders never wait: what they put is dropped and counted, so that a stage that wants
    no more input does not stop the stages before it in the middle of their work.
    """

    __slots__ = (
        "_closed",
        "_reader",
        "_readers",
        "_senders",
        "_stopped",
        "_writer",
        "abandoned",
        "capacity",
        "dropped",
        "ready_below",
        "taken",
        "units",
    )

    def __init__(self, capacity: int, *, writer: Meter, reader: Meter) -> None:
        self.capacity = capacity
        self.units: list[T] = []
        #: A sender need not look further while fewer units than this are there. It is 0 while a
        #: reader sleeps or an end is closed: one comparison is all that the fast way takes.
        self.ready_below = capacity
        self.taken = self.dropped = 0
        self.abandoned = self._closed = self._stopped = False
        self._writer, self._reader = writer, reader
        self._readers: list[asyncio.Future[None]] = []
        self._senders: deque[tuple[asyncio.Future[None], T]] = deque()

    @property
    def entered(self) -> int:
        """How many units were handed in, what was dropped included."""
        return self.taken + len(self.units) + self.dropped

    @property
    def ended(self) -> bool:
        """Whether no more will come than what is there."""
        return self._closed or self.abandoned

    async def put(self, unit: T) -> None:
        """Hand in one unit, waiting while there is no room."""
        if len(self.units) < self.ready_below:
            self.units.append(unit)
        else:
            await self.put_slowly(unit)

    async def put_slowly(self, unit: T) -> None:
        """Hand in one unit where there is more to do than to append it."""
        if self._stopped:
            raise asyncio.CancelledError
        if self._closed:
            raise PipelineStopped(
                "a unit was put on after its stage had ended", remedy="await in run() every task that it starts"
            )
        if self.abandoned:
            await self._drop()
        elif len(self.units) < self.capacity:
            self.units.append(unit)
            self.wake()
        else:
            admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._senders.append((admitted, unit))
            self._writer.begin(ROOM)
            try:
                await admitted
            finally:
                self._writer.end(ROOM)

    def take(self) -> list[T]:
        """All that is there, at once; senders that waited are let in, first come, first served."""
        chunk, self.units = self.units, []
        self.taken += len(chunk)
        while self._senders and len(self.units) < self.capacity:
            admitted, unit = self._senders.popleft()
            if not admitted.done():  # cancelled meanwhile
                self.units.append(unit)
                admitted.set_result(None)
        return chunk

    async def arrival(self) -> None:
        """Sleep until there may be something to take, or the end; only for who found nothing."""
        if self._stopped:
            raise asyncio.CancelledError
        if self.units or self.ended:
            return
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._readers.append(arrived)
        self.ready_below = 0
        self._reader.begin(INPUT)
        try:
            await arrived
        finally:
            self._reader.end(INPUT)

    def wake(self) -> None:
        """Let whoever sleeps in `arrival` look again."""
        for arrived in self._readers:
            if not arrived.done():
                arrived.set_result(None)
        self._readers.clear()
        self.ready_below = 0 if self.ended or self._stopped else self.capacity

    def close(self) -> None:
        """Say that nothing more will come."""
        self._closed = True
        self.wake()

    def abandon(self) -> None:
        """Say that nothing more will be taken: drop what is there, and what comes."""
        self.abandoned = True
        while left := len(self.take()):
            self.taken -= left
            self.dropped += left
        self.wake()

    def stop(self) -> None:
        """End the run here: whoever waits, or would have to wait, is cancelled."""
        self._stopped = True
        for waiting in [*self._readers, *(admitted for admitted, _ in self._senders)]:
            waiting.cancel()
        self.wake()

    async def _drop(self) -> None:
        self.dropped += 1
        if self.dropped % FAIR_SHARE == 0:
            await asyncio.sleep(0)
