"""A stage between the built-in ones: it writes down sizes that the upstream did not tell."""

from __future__ import annotations

import attrs

from entrepot.plugin import DeclarativeContent, Stage, Stored, facts
from entrepot_file.content import FileContent


class NoteSizes(Stage):
    """Give each file whose bytes are here its size, for the manifest that must name it.

    Units with a size, or without bytes, pass unchanged. Order is kept.
    """

    needs = frozenset({facts.ARTIFACTS_SAVED})

    async def run(self) -> None:
        async for unit in self.items():
            match unit.content:
                case FileContent(size=None) as file:
                    self._measure(unit, file)
            await self.put(unit)

    def _measure(self, unit: DeclarativeContent, file: FileContent) -> None:
        for artifact in unit.d_artifacts:
            match artifact.state:
                case Stored(artifact=stored):
                    unit.content = attrs.evolve(file, size=stored.size)
