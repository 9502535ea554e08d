"""How fast a sync goes, and when it will be done."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

_WINDOW = 15.0


class Sample(NamedTuple):
    """What was done at one moment, in seconds of any clock that only goes forward."""

    at: float
    units: int = 0
    files: int = 0
    octets: int = 0


class Pace:
    """Rates over the last seconds, so that a slow start is forgotten."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=1000)

    def note(self, sample: Sample) -> None:
        """Take a sample; those older than the window go, but for the one that begins it."""
        self._samples.append(sample)
        while len(self._samples) > 1 and sample.at - self._samples[1].at >= _WINDOW:
            self._samples.popleft()

    def rate(self) -> Sample:
        """Units, files and bytes a second; `at` is the time that this was measured over."""
        if not self._samples:
            return Sample(0.0)
        first, last = self._samples[0], self._samples[-1]
        elapsed = last.at - first.at
        if elapsed <= 0:
            return Sample(0.0)
        units, files, octets = (round((last[i] - first[i]) / elapsed) for i in (1, 2, 3))
        return Sample(elapsed, units, files, octets)

    def time_left(self, total: int) -> float | None:
        """Seconds until `total` units are through; None when that cannot be told."""
        rate = self.rate().units
        done = self._samples[-1].units if self._samples else 0
        return (total - done) / rate if rate > 0 and total > done else None
