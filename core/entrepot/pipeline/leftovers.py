"""What stages left behind: tasks that still run, and sockets that are still open."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from entrepot.errors import EntrepotError
from entrepot.pipeline.errors import LeftOpen
from entrepot.pipeline.seat import Seat
from entrepot.possessions import FOR

#: Closing a connection takes some turns of the loop, and with TLS an answer from the other side.
_PATIENCE: Final = 1.0
_TURN: Final = 0.01

_OURS: Final = "entrepot"
_MOST_TOLD: Final = 5


class Leftovers:
    """Knows which tasks ran before a run, and clears away what its stages added.

    A task is a stage's when it was started on its behalf; before Python 3.12, which cannot tell
    that, when its code comes from the stage's package.
    """

    def __init__(self, seats: Sequence[Seat[Any]]) -> None:
        self._seats = seats
        self._before = asyncio.all_tasks()

    async def found(self) -> list[EntrepotError]:
        """Name what does not end by itself within a second, with the stages that began it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE
        while loop.time() < deadline:
            if not self._tasks() and not any(seat.possessions.still_open() for seat in self._seats):
                return []
            await asyncio.sleep(_TURN)
        things: dict[int, list[str]] = {id(seat): seat.possessions.still_open() for seat in self._seats}
        for task, seat in self._tasks().items():
            things[id(seat)].append(f"a task that runs {_called(task)}")
        return [
            LeftOpen(seat.name, place=seat.place(with_unit=False), things=_few(things[id(seat)]))
            for seat in self._seats
            if things[id(seat)]
        ]

    async def clear(self, grace: float) -> None:
        """Cancel such tasks and wait for them, `grace` seconds at most; end what goes over such sockets."""
        tasks = self._tasks()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=grace)
        for seat in self._seats:
            seat.possessions.end()

    def _tasks(self) -> dict[asyncio.Task[Any], Seat[Any]]:
        own = {asyncio.current_task(), *(seat.task for seat in self._seats)}
        added = asyncio.all_tasks() - self._before - own
        return {task: seat for task in added if (seat := self._seat_of(task)) is not None}

    def _seat_of(self, task: asyncio.Task[Any]) -> Seat[Any] | None:
        context = getattr(task, "get_context", None)
        if context is not None:
            owner = context().get(FOR)
            return next((seat for seat in self._seats if seat.possessions is owner), None)
        package = _package(_module_of(task))
        return next(
            (seat for seat in self._seats if package is not None and package == _package(type(seat.stage).__module__)),
            None,
        )


def _module_of(task: asyncio.Task[Any]) -> str:
    frame = getattr(task.get_coro(), "cr_frame", None)
    return str(frame.f_globals.get("__name__", "")) if frame is not None else ""


def _package(module: str) -> str | None:
    """The outermost package; None for what core ships, which needs no looking after."""
    outermost = module.partition(".")[0]
    return None if outermost in (_OURS, "") else outermost


def _called(task: asyncio.Task[Any]) -> str:
    return str(getattr(task.get_coro(), "__qualname__", task.get_name()))


def _few(things: list[str]) -> list[str]:
    more = len(things) - _MOST_TOLD
    return [*things[:_MOST_TOLD], f"and {more} more"] if more > 0 else things
