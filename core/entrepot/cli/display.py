"""What is said while a sync runs: JSON lines, plain lines, or live bars."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import attrs

from entrepot.cli.figures import amount, counted, duration, size
from entrepot.cli.lines import failed_line
from entrepot.cli.output import Output, note, one_line
from entrepot.cli.pace import Pace, Sample
from entrepot.errors import safe_url
from entrepot.events import Event, Progress, Retrying, SyncStarted, UnitFailed

T = TypeVar("T")

_TOLD_FAILURES = 20
_STALLED = 30.0


class Display(Protocol):
    """Hears events, and is looked after while the sync runs; `close` is called once, at its end."""

    def hear(self, event: Event) -> None: ...
    def tick(self) -> None: ...
    def close(self) -> None: ...


async def watch(work: Awaitable[T], display: Display, *, every: float = 0.25) -> T:
    """Await a sync, and let its display look at it now and then, from the loop's own thread."""

    async def look() -> None:
        while True:
            await asyncio.sleep(every)
            display.tick()

    looking = asyncio.ensure_future(look())
    try:
        return await work
    finally:
        looking.cancel()
        display.close()


class JsonDisplay:
    """Says what happens in JSON lines; how far it is, nobody asked."""

    def __init__(self, output: Output, repository: str) -> None:
        self._output, self._repository = output, repository

    def hear(self, event: Event) -> None:
        """Write the events that a program may act on."""
        match event:
            case SyncStarted(repository=name, number=number):
                self._output.line({"event": "started", "repository": name, "version": number})
            case UnitFailed():
                url = safe_url(event.url) if event.url else None
                said = attrs.asdict(event) | {"error": event.reason, "url": url}
                self._output.line(failed_line(self._repository, said))

    def tick(self) -> None:
        """Nothing to look at."""

    def close(self) -> None:
        """Nothing to take away."""


class Beside:
    """Two displays of one sync, each with a stream of its own."""

    def __init__(self, *displays: Display) -> None:
        self._displays = displays

    def hear(self, event: Event) -> None:
        """Let both hear it."""
        for display in self._displays:
            display.hear(event)

    def tick(self) -> None:
        """Let both look."""
        for display in self._displays:
            display.tick()

    def close(self) -> None:
        """Close both."""
        for display in self._displays:
            display.close()


class PlainDisplay:
    """A line at the start, one every few seconds, and one for each thing that goes wrong."""

    def __init__(self, repository: str, *, every: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.repository = repository
        self.progress: Progress | None = None
        self.pace = Pace()
        self.clock = clock
        self._every = every
        self._told_at = clock()
        self._phase = "stages"
        self._failures = 0

    def hear(self, event: Event) -> None:
        """Tell what a person may want to act on."""
        match event:
            case SyncStarted(number=number, progress=progress):
                self.progress, self._told_at = progress, self.clock()
                self.say(f"syncing towards version {number}")
            case Retrying():
                reason = one_line(event.reason)
                self.say(f"asking {safe_url(event.url)} again in {duration(event.delay)}: {reason}")
            case UnitFailed():
                self._failures += 1
                if self._failures <= _TOLD_FAILURES:
                    self.say(f"failed: {one_line(event.unit)}: {one_line(event.reason, 300)}")
                if self._failures == _TOLD_FAILURES:
                    self.say("further failures are listed by `entrepot trace`")

    def say(self, text: str) -> None:
        """A line on stderr."""
        note(f"{self.repository}: {text}")

    def tick(self) -> None:
        """Measure; tell when the phase has changed or enough time has passed."""
        if self.progress is None:
            return
        now = self.clock()
        self.pace.note(sampled(self.progress, now))
        if self.progress.phase != self._phase:
            self._phase = self.progress.phase
            self.say(self._phase)
        elif now - self._told_at >= self._every:
            self.say(self._how_far(self.progress))
        else:
            return
        self._told_at = now

    def close(self) -> None:
        """Nothing to take away."""

    def _how_far(self, progress: Progress) -> str:
        stages, rate = progress.stages(), self.pace.rate()
        through = f"{amount(done(progress))} of {amount(stages[0].sent if stages else 0)} units"
        files = f"{counted(progress.downloaded, 'file', 'files')}, {size(progress.downloaded_bytes)}"
        parts = [through, f"{files}, {size(rate.octets)}/s", progress.bottleneck()]
        if (stalled := progress.stalled(_STALLED)) is not None:
            parts.append(stalled)
        return "; ".join(parts)


def done(progress: Progress) -> int:
    """Units that came to the end of the pipeline."""
    stages = progress.stages()
    return stages[-1].received if stages else 0


def sampled(progress: Progress, now: float) -> Sample:
    """One sample of a running sync."""
    return Sample(now, done(progress), progress.downloaded, progress.downloaded_bytes)
