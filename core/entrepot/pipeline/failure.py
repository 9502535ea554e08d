"""What a stage raised, as errors that say where it happened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from entrepot.errors import EntrepotError, PipelineStopped, StageFailed, TooLittleMemory
from entrepot.pipeline.seat import Seat


def placed(error: BaseException, seat: Seat[Any]) -> list[EntrepotError]:
    """Give each single failure its place: ours keep their type, others become `StageFailed`.

    The unit is named where a stage failed by itself. A group comes from tasks of its own, and then
    the unit given last need not be the one that failed.
    """
    place = seat.place(with_unit=not isinstance(error, BaseExceptionGroup))
    return [_placed_one(leaf, seat, place) for leaf in _leaves(error)]


def are_echoes(errors: list[EntrepotError]) -> bool:
    """Whether errors tell of nothing but the end of the run."""
    return all(isinstance(error, PipelineStopped) for error in errors)


def _placed_one(error: BaseException, seat: Seat[Any], place: str) -> EntrepotError:
    if isinstance(error, EntrepotError):
        return error.at(place)
    lacking = TooLittleMemory.behind(error)
    failed = lacking.at(place) if lacking is not None else StageFailed(error, stage=seat.name, place=place)
    failed.__cause__ = error
    return failed


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
