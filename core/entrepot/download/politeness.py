"""How hard one remote is asked: so many at once, so many a second, so many bytes a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from entrepot.model.remote import Politeness

#: A wait shorter than this is left to add up: timers are not that exact.
_WORTH_WAITING: Final = 0.005


class Pace:
    """Spaces things out so that no more than so many happen a second; there is no burst."""

    def __init__(self, a_second: float) -> None:
        self._each = 1 / a_second
        self._free = float("-inf")

    def take(self, count: float, now: float) -> float:
        """Take so many, and return for how long to wait before going on."""
        begins = max(self._free, now)
        self._free = begins + count * self._each
        return begins - now


class Turnstile:
    """Lets requests of one remote through; who was let in must `leave`, whatever happens."""

    def __init__(
        self, politeness: Politeness, *, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._room = asyncio.Semaphore(politeness.concurrency)
        self._requests = Pace(politeness.requests_per_second) if politeness.requests_per_second else None
        self._bytes = Pace(politeness.bytes_per_second) if politeness.bytes_per_second else None
        self._closed_until: float | None = None
        self.inside = 0

    @property
    def charges(self) -> bool:
        """Whether bytes a second are limited."""
        return self._bytes is not None

    async def enter(self) -> None:
        """Wait for room, and for the moment when the next request may go out."""
        await self._room.acquire()
        self.inside += 1
        if self._requests is None and self._closed_until is None:
            return
        try:
            await self._wait()
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Make room."""
        self.inside -= 1
        self._room.release()

    def close_for(self, seconds: float) -> None:
        """Let nobody through for a while: the upstream said that we ask too much."""
        self._closed_until = max(self._closed_until or 0.0, self._clock() + seconds)

    async def pay(self, count: int) -> None:
        """Wait as long as so many bytes must take."""
        if self._bytes is not None:
            self._bytes.take(count, self._clock())
            owed = self._bytes.take(0, self._clock())
            if owed >= _WORTH_WAITING:
                await self._sleep(owed)

    async def _wait(self) -> None:
        while self._closed_until is not None and (closed := self._closed_until - self._clock()) > 0:
            await self._sleep(closed)
        self._closed_until = None
        if self._requests is not None and (wait := self._requests.take(1, self._clock())) > 0:
            await self._sleep(wait)
