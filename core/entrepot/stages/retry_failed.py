"""Lets through only what failed before."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from entrepot.model import facts
from entrepot.stages.stage import Stage

if TYPE_CHECKING:
    from entrepot.model.declarative import DeclarativeContent


class RetryFailed(Stage):
    """Passes on units whose key or scope is to be tried again, and those that somebody waits for.

    Every other unit ends here, resolved: the repository keeps what it has under its key. It stands
    in the plan of `entrepot sync --retry-failed` alone.
    """

    needs: ClassVar = frozenset({facts.DECLARED})

    def __init__(self, keys: frozenset[str], scopes: frozenset[str]) -> None:
        self.keys = keys
        self.scopes = scopes

    async def run(self) -> None:
        async for unit in self.items():
            if self._is_tried(unit):
                await self.put(unit)
            else:
                unit.resolve()

    def _is_tried(self, unit: DeclarativeContent) -> bool:
        return unit.is_awaited or unit.key in self.keys or unit.scope in self.scopes
