"""An event loop that decides by a seed who goes on next, and in which time passes only when all wait.

The usual loop runs what is ready in the order in which it became ready, so that a test sees one
order of many. This one runs one of them a turn, chosen by the seed; the same seed gives the same
run. Work for threads is done at a random later turn, in one step. When nobody can go on, that is
an error at once and no hang. Sockets are never looked at. It stands on private parts of asyncio.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

#: Seconds of virtual time within which a thread answers.
_SLOWEST_THREAD: Final = 0.01


class DeadLock(AssertionError):
    """Everybody waits for somebody else."""


class SeededLoop(asyncio.SelectorEventLoop):
    """Runs one ready handle a turn, chosen by chance that can be repeated."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.dice = random.Random(seed)
        self.turns = 0
        self._now = 0.0

    def time(self) -> float:
        """Seconds of virtual time since the loop was made."""
        return self._now

    def run_in_executor(self, executor: object, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]  # there are no executors here
        """Do a thread's work in one step of some later turn; like a thread's, it is done though nobody waits."""
        future: asyncio.Future[T] = self.create_future()
        self.call_later(self.dice.random() * _SLOWEST_THREAD, _work, future, func, args)
        return future

    def _run_once(self) -> None:
        self._let_time_pass()
        while self._scheduled and (self._scheduled[0].when() <= self._now or self._scheduled[0].cancelled()):
            timer = heapq.heappop(self._scheduled)
            timer._scheduled = False  # type: ignore[attr-defined]  # it would be counted as waiting when it is cancelled
            if not timer.cancelled():
                self._ready.append(timer)
        place = self.dice.randrange(len(self._ready))
        handle = self._ready[place]
        del self._ready[place]
        self.turns += 1
        if not handle.cancelled():
            handle._run()

    def _let_time_pass(self) -> None:
        if self._ready:
            return
        waiting = [timer.when() for timer in self._scheduled if not timer.cancelled()]
        if not waiting:
            raise DeadLock(f"nobody can go on after {self.turns} turns: {sorted(map(repr, asyncio.all_tasks(self)))}")
        self._now = max(self._now, min(waiting))


def _work(future: asyncio.Future[T], func: Callable[..., T], args: tuple[Any, ...]) -> None:
    try:
        result = func(*args)
    except Exception as error:
        if not future.done():
            future.set_exception(error)
    else:
        if not future.done():
            future.set_result(result)


def run(main: Coroutine[Any, Any, T], *, seed: int) -> T:
    """Run a coroutine to its end under one schedule."""
    with asyncio.Runner(loop_factory=lambda: SeededLoop(seed)) as runner:
        return runner.run(main)


def under_schedules(first: int, count: int, main: Callable[[random.Random], Coroutine[Any, Any, T]]) -> list[T]:
    """Run under `count` schedules, with chance for what else is left to it; a failure names its seed."""
    results = []
    for seed in range(first, first + count):
        try:
            results.append(run(main(random.Random(seed)), seed=seed))
        except BaseException as error:
            error.add_note(f"under the schedule of seed {seed}: ENTREPOT_TEST_SEED={seed}")
            raise
    return results
