"""Waiting: what a run noted and has not written yet, and when it is written at the latest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from entrepot.catalog.notes import Notes

#: Notes that wait for the next transaction before they get one of their own.
_MANY: Final = 500

#: Seconds after which refusals and failures that still wait get one.
_LONG: Final = 1.0


class Waiting:
    """The notes of one run; all is called from its event loop.

    `write` writes what `take` gives, and whatever else it has to write, in one transaction. A write
    that nobody asked for, and that failed, fails whoever comes next.
    """

    def __init__(self, write: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.notes = Notes()
        self._write = write
        self._timer: asyncio.TimerHandle | None = None
        self._late: asyncio.Future[None] | None = None

    def take(self) -> Notes:
        """Give away what waits, to be written."""
        waiting, self.notes = self.notes, Notes()
        return waiting

    async def written(self) -> None:
        """Write what waits."""
        await self._end_late()
        if self.notes:
            await self._write()

    async def written_if_many(self) -> None:
        """Write what waits, when that is worth a transaction."""
        if len(self.notes) >= _MANY:
            await self.written()

    async def written_before_long(self) -> None:
        """See to it that what waits is written within about a second."""
        await self.check()
        await self.written_if_many()
        if self.notes and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LONG, self._write_late)

    async def check(self) -> None:
        """Raise what a write that nobody waited for ended in, once."""
        if self._late is not None and self._late.done():
            await self._end_late()

    def stop(self) -> None:
        """Begin to write no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None

    def _write_late(self) -> None:
        self._timer = None
        if self._late is not None:
            self._timer = asyncio.get_running_loop().call_later(_LONG, self._write_late)
            if self._late.done() and self._late.exception() is None:
                self._late = None
        elif self.notes:
            self._late = asyncio.ensure_future(self._write())

    async def _end_late(self) -> None:
        if self._late is not None:
            late, self._late = self._late, None
            await asyncio.shield(late)
