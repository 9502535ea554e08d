"""Stages as tasks that begin together and end together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from entrepot.errors import EntrepotError, StageHung
from entrepot.pipeline.failure import are_echoes, placed
from entrepot.pipeline.seat import Seat
from entrepot.pipeline.waiters import Waiters


class Supervisor:
    """Runs each stage as a task; the first failure, or being cancelled, ends them all.

    A stage that will not be cancelled is given `grace` seconds, and then left behind with an error.
    """

    def __init__(self, seats: Sequence[Seat[Any]], waiters: Waiters, *, grace: float) -> None:
        self._seats, self._waiters, self._grace = seats, waiters, grace
        self._failures: list[EntrepotError] = []
        self._is_stopping = False

    async def run(self) -> None:
        """Run all to their end; raise the one failure, or all of them as an `ExceptionGroup`."""
        loop = asyncio.get_running_loop()
        self._over = loop.create_future()
        for seat in self._seats:
            seat.task = loop.create_task(self._drive(seat), name=f"stage {seat.name}")
        cancelled = None
        try:
            await self._over
        except asyncio.CancelledError as error:
            cancelled = error
        self._stop()
        cancelled = await self._wind_down() or cancelled
        self._raise(cancelled)

    async def _drive(self, seat: Seat[Any]) -> None:
        if self._is_stopping:  # with eager tasks, an earlier stage may have failed already
            return
        seat.connection.meter.start()
        try:
            await seat.stage()
        except asyncio.CancelledError as error:
            if not self._is_stopping:  # cancelled by something of its own: taken for an end, this would lose units
                self._fail(seat, error)
        except (Exception, BaseExceptionGroup) as error:
            self._fail(seat, error)
        finally:
            self._leave(seat)

    def _fail(self, seat: Seat[Any], error: BaseException) -> None:
        errors = placed(error, seat)
        if not (self._is_stopping and are_echoes(errors)):
            self._failures += errors
        self._stop()

    def _leave(self, seat: Seat[Any]) -> None:
        seat.end(cleanly=not self._is_stopping)
        running = [place for place, other in enumerate(self._seats) if not other.has_ended]
        if running:
            self._waiters.running_up_to(running[-1])
        else:
            self._stop()

    def _stop(self) -> None:
        """Cancel what still runs, at once; calling again changes nothing."""
        if not self._is_stopping:
            self._is_stopping = True
            for seat in self._seats:
                seat.stop()
            self._waiters.stop()
        if not self._over.done():
            self._over.set_result(None)

    async def _wind_down(self) -> asyncio.CancelledError | None:
        """Wait for the tasks, though not for ever; being cancelled meanwhile only waits on."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._grace
        cancelled = None
        while pending := {seat.task: seat for seat in self._seats if seat.task is not None and not seat.task.done()}:
            left = deadline - loop.time()
            if left <= 0:
                self._failures += [
                    StageHung(seat.name, place=seat.place(), seconds=self._grace) for seat in pending.values()
                ]
                break
            try:
                await asyncio.wait(pending, timeout=left)
            except asyncio.CancelledError as error:
                cancelled = error
        return cancelled

    def _raise(self, cancelled: asyncio.CancelledError | None) -> None:
        failures, self._failures = self._failures, []
        if len(failures) > 1:
            raise ExceptionGroup(f"{len(failures)} failures", failures)
        if failures:
            raise failures[0]
        if cancelled is not None:
            raise cancelled
