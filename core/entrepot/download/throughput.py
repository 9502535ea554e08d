"""Deadlines and the slowest pace allowed, for all transfers by one timer.

A timer for each request, and one for each chunk, cost more than the checks are worth: a sweep over
the few running transfers sees the same, a quarter of the shortest limit later at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from entrepot.model.remote import Politeness

_SHORTEST_SWEEP: Final = 0.005
_LONGEST_SWEEP: Final = 1.0


class Counted(Protocol):
    """A stream that knows how many bytes came in."""

    total_bytes: int


class Transfer:
    """One running try: how far it is, and by when it must be further.

    `verdict` is set when the watch ends it, by cancelling its task; `ended_by_watch` then tells that
    from a cancellation by somebody else.
    """

    __slots__ = ("_before", "_task", "by", "deadline", "held", "mark", "marked", "stream", "verdict")

    def __init__(self, by: float, deadline: float | None) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a transfer runs within a task")
        self._task = task
        self._before = task.cancelling()
        self.by: float | None = by
        self.deadline = deadline
        self.stream: Counted | None = None
        self.held = False
        self.marked = 0
        self.mark = 0.0
        self.verdict: str | None = None

    def end(self, verdict: str) -> None:
        """Cancel the task, once."""
        if self.verdict is None:
            self.verdict = verdict
            self._task.cancel()

    def ended_by_watch(self) -> bool:
        """Whether a cancellation that arrived is the watch's alone; asking takes it back."""
        return self.verdict is not None and self._task.uncancel() <= self._before


class Watch:
    """Ends transfers whose head is late, whose body trickles, or whose time is up."""

    def __init__(self, politeness: Politeness, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._head = politeness.connect_timeout + politeness.header_timeout
        self._window = politeness.throughput_window
        self._least = politeness.min_throughput
        limits = [self._head, self._window, politeness.total_timeout or self._head]
        self._pause = min(max(min(limits) / 4, _SHORTEST_SWEEP), _LONGEST_SWEEP)
        self._running: set[Transfer] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, deadline: float | None) -> Transfer:
        """Watch a transfer of the current task, from before its request is sent."""
        transfer = Transfer(self._clock() + self._head, deadline)
        self._running.add(transfer)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._sweep)
        return transfer

    def next_head(self, transfer: Transfer) -> None:
        """Give a redirect's target the time that a first request has."""
        transfer.by = self._clock() + self._head

    def body(self, transfer: Transfer, stream: Counted) -> None:
        """The head is here: from now on the pace of the body counts."""
        transfer.by = None
        transfer.stream = stream
        transfer.mark = self._clock()

    def hold(self, transfer: Transfer) -> None:
        """It is us who hold the body up now: the pace does not count until `release`."""
        transfer.held = True

    def release(self, transfer: Transfer) -> None:
        """Count the pace again, from now on."""
        transfer.held = False
        transfer.mark = self._clock()
        transfer.marked = _came(transfer)

    def end(self, transfer: Transfer) -> None:
        """Stop watching."""
        self._running.discard(transfer)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sweep(self) -> None:
        self._timer = None
        now = self._clock()
        for transfer in self._running:
            verdict = self._judge(transfer, now)
            if verdict is not None:
                transfer.end(verdict)
        if self._running:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._sweep)

    def _judge(self, transfer: Transfer, now: float) -> str | None:
        if transfer.deadline is not None and now >= transfer.deadline:
            return "the download took longer than total_timeout allows"
        if transfer.by is not None:
            return "no whole answer head came in time" if now >= transfer.by else None
        passed = now - transfer.mark
        if passed < self._window or transfer.held:
            return None
        total = _came(transfer)
        came = total - transfer.marked
        if came < self._least * passed:
            return f"only {came} bytes came in {passed:.3g} seconds"
        transfer.mark, transfer.marked = now, total
        return None


def _came(transfer: Transfer) -> int:
    return 0 if transfer.stream is None else transfer.stream.total_bytes
