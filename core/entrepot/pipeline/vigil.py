"""Limits of one run: how long it may stand still, and how long it may take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from entrepot.pipeline.errors import RunTooLong, StageStalled
from entrepot.pipeline.stall import StallWatch
from entrepot.pipeline.trace import Trace

if TYPE_CHECKING:
    from entrepot.errors import EntrepotError
    from entrepot.pipeline.seat import Seat

#: Looks per limit, and the longest time between two: a limit is kept to within a fraction of itself.
_LOOKS: Final = 10
_LONGEST_WAIT: Final = 5.0


@attrs.frozen
class Limits:
    """Seconds that a run may stand still, and that it may take; 0 is for ever.

    `moved` counts what moves beside units: as long as it changes, nobody stands still.
    """

    stall: float = 0.0
    whole: float = 0.0
    moved: Callable[[], int] = attrs.field(default=lambda: 0, eq=False)

    @property
    def every(self) -> float | None:
        """Seconds from one look to the next; None when there is nothing to look for."""
        shortest = [limit for limit in (self.stall, self.whole) if limit > 0]
        return min(min(shortest) / _LOOKS, _LONGEST_WAIT) if shortest else None


class Vigil:
    """Looks at a run now and then, and says when it is beyond its limits.

    Time counts by looks: a process that was stopped, or a machine that slept, has stood still for
    two looks at most, however late it is.
    """

    def __init__(self, seats: Sequence[Seat[Any]], limits: Limits, *, clock: Callable[[], float]) -> None:
        self._seats, self._limits, self._clock = seats, limits, clock
        self._stalls = StallWatch(seats, clock)
        self._looked, self._moved = clock(), (0, 0)
        self._quiet = self._passed = 0.0
        self.every = limits.every

    def look(self) -> EntrepotError | None:
        """Say what limit is passed, and by whose fault; None while none is."""
        now, moved = self._clock(), (self._stalls.movement(), self._limits.moved())
        spent = min(now - self._looked, 2 * (self.every or 0))
        self._looked = now
        self._passed += spent
        self._quiet = self._quiet + spent if moved == self._moved else 0.0
        self._moved = moved
        if 0 < self._limits.stall <= self._quiet and (seat := self._stalls.culprit()) is not None:
            stall = self._stalls.of(seat, self._quiet)
            return StageStalled(str(stall), place=seat.place(), seconds=self._limits.stall)
        if 0 < self._limits.whole <= self._passed:
            return self._too_long()
        return None

    def _too_long(self) -> RunTooLong:
        """Blame who puts on far more than it is given, but for the first, or else who is busy for longest."""
        grown = {seat: seat.connection.output.entered - 2 * seat.connection.input.given for seat in self._seats[1:]}
        most = max(grown, key=lambda seat: grown[seat], default=None)
        if most is None or grown[most] <= 0:
            most = max(self._seats, key=lambda seat: seat.trace().busy)
        trace = Trace(self._passed, tuple(seat.trace() for seat in self._seats))
        given, put = most.connection.input.given, most.connection.output.entered
        told = f"stage {most.name!r} was given {given:,} units and put on {put:,}; {trace.bottleneck()}"
        return RunTooLong(self._limits.whole, place=most.place(), bottleneck=told)
