"""Swaps in artifacts that are already held."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from entrepot.model import facts
from entrepot.model.artifact import StoredArtifact
from entrepot.model.declarative import Declared, Stored
from entrepot.model.vouching import unvouched
from entrepot.stages.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.errors import InvalidMetadata
    from entrepot.model.declarative import DeclarativeArtifact, DeclarativeContent


class QueryExistingArtifacts(Stage):
    """Finds artifacts already held, by declared digest, with one query for each batch.

    Only bytes that this repository may have are found, and only of the declared size. Where the
    file has gone, or is of another size, the artifact counts as missing and is downloaded. After a run
    that died, failed or was cancelled, bytes that storage holds and the catalog does not know are verified
    and adopted, unless another repository is private: they might be its own. A deferred
    artifact that nothing strong vouches for fails its unit, unless the operator allows it.
    """

    needs: ClassVar = frozenset({facts.DECLARED})
    gives: ClassVar = frozenset({facts.ARTIFACTS_QUERIED})

    async def run(self) -> None:
        async for units in self.batches(minsize=1000):
            wanted = [artifact for unit in units for artifact in unit.d_artifacts if self._can_be_found(artifact)]
            if wanted:
                await self._swap_in(wanted)
            for unit in units:
                reason = self._unvouched(unit)
                if reason is None:
                    await self.put(unit)
                else:
                    await self.fail(unit, reason)

    def _can_be_found(self, artifact: DeclarativeArtifact) -> bool:
        if not isinstance(artifact.state, Declared):
            return False
        declared = artifact.artifact
        if declared.sha256 is not None:
            return True
        if declared.preferred is None:
            return False
        return not declared.is_weak or self.context.remote.access.allow_weak_digests

    def _unvouched(self, unit: DeclarativeContent) -> InvalidMetadata | None:
        """Why the unit fails for an artifact that is left for later; what is fetched at once, `fetch` weighs."""
        for artifact in unit.d_artifacts:
            if artifact.deferred_download and isinstance(artifact.state, Declared):
                reason = unvouched(artifact, self.context.remote.access)
                if reason is not None:
                    return reason
        return None

    async def _swap_in(self, wanted: Sequence[DeclarativeArtifact]) -> None:
        digests = [digest for artifact in wanted if (digest := artifact.artifact.preferred) is not None]
        found = await self.context.ledger.find_artifacts(digests)
        swapped = [
            (artifact, stored)
            for artifact, stored in zip(wanted, found, strict=True)
            if stored is not None and artifact.artifact.size in (None, stored.size)
        ]
        held = await self.context.holds_bytes([stored for _, stored in swapped])
        for (artifact, stored), is_held in zip(swapped, held, strict=True):
            # What is deferred is fetched when somebody asks for it, held or lost alike.
            if is_held or artifact.deferred_download:
                artifact.state = Stored(stored)
        if self.context.ledger.recovered:
            await self._adopt([artifact for artifact in wanted if not isinstance(artifact.state, Stored)])

    async def _adopt(self, wanted: Sequence[DeclarativeArtifact]) -> None:
        named = [artifact for artifact in wanted if artifact.artifact.sha256 is not None]
        digests = [bytes.fromhex(artifact.artifact.sha256 or "") for artifact in named]
        if not digests:
            return
        free = await self.context.ledger.adoptable(digests)
        named = [artifact for artifact, is_free in zip(named, free, strict=True) if is_free]
        adopted = await self.context.adopt_bytes(
            [digest for digest, is_free in zip(digests, free, strict=True) if is_free]
        )
        await self.context.ledger.save_artifacts([kept for kept in adopted if kept is not None])
        for artifact, kept in zip(named, adopted, strict=True):
            if kept is not None and artifact.artifact.size in (None, kept.size):
                artifact.state = Stored(StoredArtifact(kept.sha256, kept.size))
