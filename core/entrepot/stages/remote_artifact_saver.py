"""Notes where artifacts can be had again."""

from __future__ import annotations

from typing import ClassVar

from entrepot.model import facts
from entrepot.model.ledger import Source
from entrepot.stages.stage import Stage


class RemoteArtifactSaver(Stage):
    """Notes each artifact's places, for this repository alone, for on-demand serving and repair."""

    needs: ClassVar = frozenset({facts.CONTENT_SAVED})
    gives: ClassVar = frozenset({facts.REMOTES_SAVED})

    async def run(self) -> None:
        async for units in self.batches(minsize=1000):
            sources = [
                Source(unit.content_id, artifact.relative_path, artifact.urls)
                for unit in units
                if unit.content_id is not None
                for artifact in unit.d_artifacts
                if artifact.urls
            ]
            if sources:
                await self.context.ledger.note_sources(sources)
            for unit in units:
                await self.put(unit)
