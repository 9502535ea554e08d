"""Syncs in the process that was asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from entrepot.model.job import JobOutput, SyncHere, SyncJob


@attrs.frozen
class Local:
    """One sync after the other, all with the connections of one depot."""

    sync_here: SyncHere
    at_once: int = 1

    async def run(self, job: SyncJob, output: JobOutput) -> int:
        """Sync here."""
        return await self.sync_here(job, output)
