"""Which stage's code a thread runs at this moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

from entrepot.pipeline.seat import Seat


def frames(innermost: FrameType | None) -> Iterator[FrameType]:
    """The frames of a thread, from the one that runs outwards."""
    while innermost is not None:
        yield innermost
        innermost = innermost.f_back


def holder(seats: Sequence[Seat[Any]], frame: FrameType, task: asyncio.Task[Any] | None) -> Seat[Any] | None:
    """Find whose task it is, or else whose method is innermost on the stack.

    For another thread to ask: nothing is noted while the stages run.
    """
    for seat in seats:
        if task is not None and seat.task is task:
            return seat
    stages = {id(seat.stage): seat for seat in seats}
    found = (stages.get(id(each.f_locals.get("self"))) for each in frames(frame))
    return next((seat for seat in found if seat is not None), None)


def line_of(frame: FrameType, package: str) -> str:
    """File, line and function of the innermost code of a package; of any, where that is not on the stack."""
    mine = (each for each in frames(frame) if package_of(each) == package)
    at = next(mine, frame)
    return f"{at.f_code.co_filename}:{at.f_lineno} in {at.f_code.co_name}"


def package_of(frame: FrameType) -> str:
    """The outermost package of the code that a frame runs."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
