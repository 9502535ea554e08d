"""A shared limit, of bytes for one, that is leased in shares and given back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from types import TracebackType

#: Makes the block that counts as a waiter of a run while a share is waited for.
Waiting = Callable[[], AbstractContextManager[None]]


class Budget:
    """Lease shares of `limit` in the order in which they are asked for.

    A share larger than the limit waits until everything was given back, then takes all. Whoever asks
    later waits behind it, so that it comes to its turn.
    """

    def __init__(self, limit: int, *, waiting: Waiting = nullcontext) -> None:
        if limit < 1:
            raise ValueError(f"limit is {limit}, and a budget must have at least 1")
        self.limit = limit
        self.leased = 0
        self._waiting = waiting
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def lease(self, amount: int, *, waiting: Waiting | None = None) -> Lease:
        """Wait for a share; a cancelled wait takes nothing.

        `waiting` wraps the wait, instead of what the budget was made with: a stage hands in
        `waiting` of its connection, so that later stages finish what holds shares.
        """
        if amount < 0:
            raise ValueError(f"amount is {amount}, and a share cannot be negative")
        share = min(amount, self.limit)
        if self._queue or not self._fits(share):
            with (waiting or self._waiting)():
                await self._turn(share)
        else:
            self.leased += share
        return Lease(self, share)

    def _fits(self, share: int) -> bool:
        return self.leased + share <= self.limit

    async def _turn(self, share: int) -> None:
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (share, granted)
        self._queue.append(entry)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.cancelled():
                with suppress(ValueError):  # it was passed over already
                    self._queue.remove(entry)
                self._grant()
            else:  # it was granted at the very moment
                self._give_back(share)
            raise

    def _give_back(self, share: int) -> None:
        self.leased -= share
        self._grant()

    def _grant(self) -> None:
        while self._queue and self._fits(self._queue[0][0]):
            share, granted = self._queue.popleft()
            if not granted.done():
                self.leased += share
                granted.set_result(None)


class Lease:
    """A share of a budget, held until `close`; closing again changes nothing."""

    __slots__ = ("_budget", "amount")

    def __init__(self, budget: Budget, amount: int) -> None:
        self._budget: Budget | None = budget
        self.amount = amount

    def close(self) -> None:
        """Give the share back."""
        budget, self._budget = self._budget, None
        if budget is not None:
            budget._give_back(self.amount)

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
