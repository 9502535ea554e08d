"""Stages as tasks that begin together and end together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from entrepot.errors import EntrepotError, StageHung
from entrepot.pipeline.failure import are_echoes, placed
from entrepot.pipeline.leftovers import Leftovers
from entrepot.pipeline.seat import Seat
from entrepot.pipeline.vigil import Vigil
from entrepot.pipeline.waiters import Waiters
from entrepot.possessions import FOR


class Supervisor:
    """Runs each stage as a task; the first failure, or being cancelled, ends them all.

    A stage that will not be cancelled is given `grace` seconds, and then left behind with an error.
    `vigil` ends a run beyond its limits.
    """

    def __init__(self, seats: Sequence[Seat[Any]], waiters: Waiters, *, grace: float, vigil: Vigil) -> None:
        self._seats, self._waiters, self._grace, self._vigil = seats, waiters, grace, vigil
        self._failures: list[EntrepotError] = []
        self._is_stopping = False

    async def run(self) -> None:
        """Run all to their end; raise the one failure, or all of them as an `ExceptionGroup`."""
        loop = asyncio.get_running_loop()
        self._over = loop.create_future()
        leftovers = Leftovers(self._seats)
        for seat in self._seats:
            seat.task = loop.create_task(self._drive(seat), name=f"stage {seat.name}")
        cancelled = None
        try:
            await self._until_over()
        except asyncio.CancelledError as error:
            cancelled = error
        self._stop()
        cancelled = await self._wind_down() or cancelled
        if cancelled is None and not self._failures:
            self._failures += await leftovers.found()
        await leftovers.clear(self._grace)
        self._raise(cancelled)

    async def _until_over(self) -> None:
        while self._vigil.every is not None:
            await asyncio.wait([self._over], timeout=self._vigil.every)
            if self._over.done():
                return
            if (error := self._vigil.look()) is not None:
                self._failures.append(error)
                return
        await self._over

    async def _drive(self, seat: Seat[Any]) -> None:
        if self._is_stopping:  # with eager tasks, an earlier stage may have failed already
            return
        seat.connection.meter.start()
        FOR.set(seat.possessions)
        try:
            await seat.stage()
        except asyncio.CancelledError as error:
            if not self._is_stopping:  # cancelled by something of its own: taken for an end, this would lose units
                self._fail(seat, error)
        except GeneratorExit as error:
            if not self._over.get_loop().is_running():  # nobody raised it: the loop was closed around the stage
                raise
            self._fail(seat, error)
        except BaseException as error:  # a stage that would end the program fails like any other
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
