"""A pipeline: stages joined by channels, run once, and counted while they run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from types import FrameType
from typing import Any, Generic, TypeVar

import attrs

from entrepot.pipeline.channel import Channel
from entrepot.pipeline.connection import Connection
from entrepot.pipeline.errors import UnitsLost
from entrepot.pipeline.holding import holder
from entrepot.pipeline.intake import Intake
from entrepot.pipeline.meter import Meter
from entrepot.pipeline.seat import Describe, Seat
from entrepot.pipeline.stage import Stage, connect, disconnect
from entrepot.pipeline.stall import Stall, StallWatch
from entrepot.pipeline.supervisor import Supervisor
from entrepot.pipeline.trace import Trace
from entrepot.pipeline.vigil import Limits, Vigil
from entrepot.pipeline.waiters import ANYWHERE, Waiters

T = TypeVar("T")


async def create_pipeline(stages: Sequence[Stage[T]], maxsize: int = 1000, *, context: object = None) -> None:
    """Join the stages by queues of at most `maxsize` units, and run them to their end.

    The first failure cancels every other stage at once, waits for them, and is raised with its stage
    and unit; several failures are an `ExceptionGroup`. Cancelling cancels every stage, and nothing is
    left running. What the last stage puts on is dropped, so that an `EndStage` is good style and no
    must. Raises `ValueError` for a stage that is given twice and for a `maxsize` below 1.
    """
    await Pipeline(stages, maxsize, context=context).run()


def plainly(unit: object) -> tuple[str, str | None]:
    """Describe a unit by its repr, where nobody knows better."""
    return f"unit {unit!r}", None


@attrs.define(eq=False)
class Pipeline(Generic[T]):
    """One run of some stages: `run` it once, and read `trace` from the same thread at any time.

    `owners` names the plugin of each stage, by position or by class name. `describe` gives the words
    for a unit, and its URL, for errors. `grace` is how many seconds cancelled stages have to end in,
    and `limits` are how long the run may stand still or take. `resolved` is the fact that a stage
    gives which completes what others await: when it has ended, they wait in vain.
    """

    stages: Sequence[Stage[T]]
    maxsize: int = 1000
    context: object = attrs.field(default=None, kw_only=True)
    owners: Sequence[str] | Mapping[str, str] = attrs.field(default=(), kw_only=True)
    describe: Describe[T] = attrs.field(default=plainly, kw_only=True)
    clock: Callable[[], float] = attrs.field(default=time.perf_counter, kw_only=True)
    grace: float = attrs.field(default=5.0, kw_only=True)
    limits: Limits = attrs.field(factory=Limits, kw_only=True)
    resolved: str = attrs.field(default="", kw_only=True)
    waiters: Waiters = attrs.field(init=False)
    _seats: list[Seat[T]] = attrs.field(init=False)
    _watch: StallWatch = attrs.field(init=False)
    _started: float | None = attrs.field(init=False, default=None)
    _ended: float | None = attrs.field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        if self.maxsize < 1:
            raise ValueError(f"maxsize is {self.maxsize}, and a queue must hold at least 1 unit")
        for position, stage in enumerate(self.stages):
            if any(stage is earlier for earlier in self.stages[:position]):
                raise ValueError(f"stage {type(stage).__name__!r} is given twice: make a second instance")
        resolvers = [position for position, stage in enumerate(self.stages) if self.resolved in stage.gives]
        self.waiters = Waiters(max(resolvers, default=ANYWHERE))
        self._seats = self._make_seats()
        self._watch = StallWatch(self._seats, self.clock)

    @property
    def trace(self) -> Trace:
        """What was counted up to now; cheap, and still right after the end."""
        now = self.clock() if self._ended is None else self._ended
        elapsed = 0.0 if self._started is None else now - self._started
        return Trace(elapsed, tuple(seat.trace() for seat in self._seats))

    def stalled(self, seconds: float) -> Stall | None:
        """Name the stage, and its unit, that all others wait for when nothing moved for that long.

        What happens between two calls is seen at the second: call it now and then, as a progress
        display does.
        """
        return self._watch.stalled(seconds)

    def holder(self, frame: FrameType, task: asyncio.Task[Any] | None) -> Seat[T] | None:
        """Whose code the loop's thread runs in this frame and task; for another thread to ask."""
        return holder(self._seats, frame, task)

    def lost(self, plugins: Collection[str]) -> list[UnitsLost]:
        """Name, after a good run, which stages of these plugins let units go without a word.

        The last of all may. A stage that puts on more than it was given cannot be found out by counting.
        """
        mine = [seat for seat in self._seats[:-1] if seat.plugin in plugins]
        traces = [(seat, seat.trace()) for seat in mine]
        counted = [
            (seat, trace.unread, trace.units_in + trace.unread - trace.units_out - trace.refused - trace.failed)
            for seat, trace in traces
        ]
        return [
            UnitsLost(seat.name, place=seat.place(with_unit=False), units=units, unread=unread)
            for seat, unread, units in counted
            if units > 0
        ]

    async def run(self) -> None:
        """Run every stage to its end, or to the first failure, as `create_pipeline` says."""
        if self._started is not None:
            raise ValueError("this pipeline has run already: make a new one of the same stages")
        self._started = self.clock()
        connected: list[Stage[T]] = []
        try:
            for seat in self._seats:
                connect(seat.stage, seat.connection)
                connected.append(seat.stage)
            if connected:
                vigil = Vigil(self._seats, self.limits, clock=self.clock)
                await Supervisor(self._seats, self.waiters, grace=self.grace, vigil=vigil).run()
        finally:
            self._ended = self.clock()
            for stage in connected:
                disconnect(stage)

    def _make_seats(self) -> list[Seat[T]]:
        meters = [Meter(self.clock) for _ in self.stages]
        nobody = Meter(self.clock)
        channels: list[Channel[T]] = [
            Channel(self.maxsize, writer=writer, reader=reader)
            for writer, reader in zip([nobody, *meters], [*meters, nobody], strict=True)
        ]
        channels[0].close()
        channels[-1].abandon()
        return [self._make_seat(place, meter, channels) for place, meter in enumerate(meters)]

    def _make_seat(self, place: int, meter: Meter, channels: list[Channel[T]]) -> Seat[T]:
        intake = Intake(channels[place], self.waiters, meter=meter)
        connection = Connection(intake, channels[place + 1], meter=meter, waiters=self.waiters, place=place)
        connection.context, connection.owner = self.context, self._owner(place)
        return Seat(self.stages[place], connection.owner, connection, self.describe)

    def _owner(self, place: int) -> str:
        if isinstance(self.owners, Mapping):
            return self.owners.get(type(self.stages[place]).__name__, "")
        return self.owners[place] if place < len(self.owners) else ""
