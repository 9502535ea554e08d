"""Wakes whoever awaits a unit."""

from __future__ import annotations

from typing import ClassVar

from entrepot.model import facts
from entrepot.stages.stage import Stage


class ResolveContentFutures(Stage):
    """Ends the wait of everybody who awaits `unit.resolution()`; the content is saved by now."""

    needs: ClassVar = frozenset({facts.CONTENT_SAVED})
    gives: ClassVar = frozenset({facts.RESOLVED})

    async def run(self) -> None:
        async for unit in self.items():
            unit.resolve()
            await self.put(unit)
