"""Whether anything still moves in a run, and if not, whom it waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from entrepot.pipeline.meter import BUSY, OTHERS, STATES
from entrepot.pipeline.seat import Seat
from entrepot.pipeline.trace import named


@attrs.frozen
class Stall:
    """Nothing has moved for `seconds`, and this stage is why."""

    stage: str
    plugin: str
    state: str
    unit: str | None
    seconds: float

    def __str__(self) -> str:
        what = f"{named(self.stage, self.plugin)} is {self.state}"
        return f"nothing has moved for {self.seconds:.0f} s: {what}" + (
            f", last given {self.unit}" if self.unit else ""
        )


class StallWatch:
    """Compare what has moved from one call to the next; it has no task of its own."""

    def __init__(self, seats: Sequence[Seat[Any]], clock: Callable[[], float]) -> None:
        self._seats, self._clock = seats, clock
        self._moved, self._since = self.movement(), clock()

    def stalled(self, seconds: float) -> Stall | None:
        """Name the stage that the run waits for, when nothing moved for that long between calls."""
        now, moved = self._clock(), self.movement()
        if moved != self._moved:
            self._moved, self._since = moved, now
            return None
        if now - self._since < seconds:
            return None
        culprit = self.culprit()
        return None if culprit is None else self.of(culprit, now - self._since)

    def of(self, seat: Seat[Any], seconds: float) -> Stall:
        """Say what a stage does while nothing moves."""
        return Stall(seat.name, seat.plugin, STATES[seat.connection.meter.state], seat.unit(), seconds)

    def movement(self) -> int:
        """A number that grows with each unit that moves."""
        connections = [seat.connection for seat in self._seats]
        return sum(connection.input.given + connection.output.entered for connection in connections)

    def culprit(self) -> Seat[Any] | None:
        """The last stage that waits for no neighbour: those after wait for input, those before for room."""
        for state in (BUSY, OTHERS):
            held_by = [seat for seat in self._seats if seat.connection.meter.state == state]
            if held_by:
                return held_by[-1]
        return None
