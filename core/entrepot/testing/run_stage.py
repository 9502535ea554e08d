"""Running one stage alone, on a list of units."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from entrepot.pipeline.run import create_pipeline
from entrepot.pipeline.stage import Stage

T = TypeVar("T")


async def run_stage(stage: Stage[T], units: Iterable[T], *, context: object = None, maxsize: int = 1000) -> list[T]:
    """Put units through a stage and return what it put on, in order; what it raises is raised.

    >>> out = await run_stage(LabelLicenses(classify), [unit_a, unit_b])
    """
    sink: _Sink[T] = _Sink()
    await create_pipeline([_Source(units), stage, sink], maxsize, context=context)
    return sink.units


class _Source(Stage[T]):
    def __init__(self, units: Iterable[T]) -> None:
        self._units = units

    async def run(self) -> None:
        for unit in self._units:
            await self.put(unit)


class _Sink(Stage[T]):
    def __init__(self) -> None:
        self.units: list[T] = []

    async def run(self) -> None:
        async for unit in self.items():
            self.units.append(unit)
