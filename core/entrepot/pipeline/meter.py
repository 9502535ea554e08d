"""Where the time of one stage goes, and what it counts."""

from __future__ import annotations

from collections.abc import Callable

#: In the order in which the later counts before the earlier.
OFF, BUSY, INPUT, OTHERS, ROOM = range(5)

#: What a stage is doing, in words; the index is one of the names above.
STATES = ("not started", "busy", "waiting for input", "waiting for others", "waiting for room")


class Meter:
    """Split the time of a stage into busy, waiting for input, for others, and for room.

    The four add up to the time from `start` to `stop`. While tasks of one stage wait for different
    things, room counts first (what comes next is too slow), then others, then input. It is touched
    when a stage stops or goes on waiting, never for each unit.
    """

    __slots__ = ("_clock", "_depth", "_mark", "_spent", "batch_max", "batched", "batches", "failed", "refused", "state")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._mark = clock()
        self._depth = [0, 0, 0, 0, 0]
        self._spent = [0.0, 0.0, 0.0, 0.0, 0.0]
        self.state = OFF
        self.batches = self.batched = self.batch_max = 0
        self.refused = self.failed = 0

    def start(self) -> None:
        self.begin(BUSY)

    def stop(self) -> None:
        """Count no further time, whatever tasks of the stage still wait for."""
        self._settle()
        self._depth[BUSY] = 0
        self.state = OFF

    def begin(self, what: int) -> None:
        self._settle()
        self._depth[what] += 1
        if self._depth[BUSY] and what > self.state:
            self.state = what

    def end(self, what: int) -> None:
        self._settle()
        self._depth[what] -= 1
        while self.state and not self._depth[self.state]:
            self.state -= 1

    def count_batch(self, size: int) -> None:
        self.batches += 1
        self.batched += size
        self.batch_max = max(self.batch_max, size)

    def seconds(self, what: int) -> float:
        """What was spent so far, the present moment included."""
        running = self._clock() - self._mark if self.state == what else 0.0
        return self._spent[what] + running

    def _settle(self) -> None:
        now = self._clock()
        self._spent[self.state] += now - self._mark
        self._mark = now
