"""A stage as one run sees it: its name, its plugin, its task, and what it works on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

import attrs

from entrepot.errors import safe_url
from entrepot.pipeline.connection import Connection
from entrepot.pipeline.meter import BUSY, INPUT, OTHERS, ROOM, STATES
from entrepot.pipeline.stage import Stage
from entrepot.pipeline.trace import StageTrace, named
from entrepot.possessions import Possessions

T = TypeVar("T")

#: Says what a unit is, as the words for it in a message, and the URL it comes from where there is one.
Describe = Callable[[T], tuple[str, str | None]]

LONGEST_TEXT = 200


@attrs.define(eq=False)
class Seat(Generic[T]):
    """One stage in one run."""

    stage: Stage[T]
    plugin: str
    connection: Connection[T]
    describe: Describe[T]
    task: asyncio.Task[None] | None = None
    has_ended: bool = False
    possessions: Possessions = attrs.field(factory=Possessions)

    @property
    def name(self) -> str:
        return type(self.stage).__name__

    def end(self, *, cleanly: bool) -> None:
        """Count no more; after a clean end, nobody waits for more from here or for room."""
        self.has_ended = True
        self.connection.meter.stop()
        if cleanly:
            self.connection.output.close()
            self.connection.input.abandon()

    def stop(self) -> None:
        """Cancel the stage, and whoever of its own tasks waits in a channel."""
        self.connection.input.stop()
        self.connection.output.stop()
        if self.task is not None and self.task is not asyncio.current_task():
            self.task.cancel()

    def place(self, *, with_unit: bool = True) -> str:
        """Where an error happened: stage, plugin, and the unit with its URL where they are known."""
        unit = self.unit() if with_unit else None
        return f"{named(self.name, self.plugin)}, {unit}" if unit else named(self.name, self.plugin)

    def unit(self) -> str | None:
        """Say what the stage was given last."""
        units = self.connection.input.working_on
        if not units:
            return None
        text, url = self._described(units[0])
        if len(units) > 1:
            return f"a batch of {len(units)} that begins with {text}"
        return f"{text}, {safe_url(url)}" if url else text

    def trace(self) -> StageTrace:
        """Count, at this moment."""
        intake, meter = self.connection.input, self.connection.meter
        return StageTrace(
            stage=self.name,
            plugin=self.plugin,
            state="done" if self.has_ended else STATES[meter.state],
            units_in=intake.given,
            units_out=self.connection.output.entered,
            refused=meter.refused,
            failed=meter.failed,
            unread=intake.unread,
            depth=intake.depth,
            busy=meter.seconds(BUSY),
            waiting_for_input=meter.seconds(INPUT),
            waiting_for_room=meter.seconds(ROOM),
            waiting_for_others=meter.seconds(OTHERS),
            batches=meter.batches,
            batch_max=meter.batch_max,
            batch_mean=meter.batched / meter.batches if meter.batches else 0.0,
        )

    def _described(self, unit: T) -> tuple[str, str | None]:
        try:
            text, url = self.describe(unit)
        except Exception as error:  # whatever a plugin's unit does, the error being told matters more
            return f"a {type(unit).__name__} that cannot be described ({type(error).__name__})", None
        return (text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}...", url)
