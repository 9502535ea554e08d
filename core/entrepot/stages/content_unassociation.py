"""Asks for the removal of what the stream did not declare."""

from __future__ import annotations

from typing import ClassVar

from entrepot.model import facts
from entrepot.stages.stage import Stage


class ContentUnassociation(Stage):
    """Asks the seal to remove what the stream did not declare; in the plan only when mirroring.

    The removal itself is set algebra over all that was declared, so it waits for the whole stream.
    """

    needs: ClassVar = frozenset({facts.ASSOCIATED})

    async def run(self) -> None:
        async for unit in self.items():
            await self.put(unit)
        self.context.remove_undeclared()
