"""Moves downloaded bytes into storage and saves their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from entrepot.model import facts
from entrepot.model.artifact import StoredArtifact
from entrepot.model.declarative import Fetched, Stored
from entrepot.stages.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.model.declarative import DeclarativeContent


class ArtifactSaver(Stage):
    """Makes downloaded bytes durable, a batch at a time, then saves the rows that name them.

    A unit goes on once all its bytes stand under their final names and the rows are committed.
    The order holds through a power cut: files, folders, rows.
    """

    needs: ClassVar = frozenset({facts.DOWNLOADED})
    gives: ClassVar = frozenset({facts.ARTIFACTS_SAVED})

    async def run(self) -> None:
        async for units in self.batches(minsize=500):
            await self._save(units)
            for unit in units:
                await self.put(unit)

    async def _save(self, units: Sequence[DeclarativeContent]) -> None:
        fetched = [
            (artifact, state)
            for unit in units
            for artifact in unit.d_artifacts
            if isinstance(state := artifact.state, Fetched)
        ]
        if not fetched:
            return
        kept = await self.context.keep_bytes([state.received for _, state in fetched])
        await self.context.ledger.save_artifacts(kept)
        for (artifact, state), row in zip(fetched, kept, strict=True):
            artifact.state = Stored(StoredArtifact(row.sha256, row.size))
            state.release()
