"""Each sync in a process of its own on this machine, several at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from entrepot.executors.command import run_command

if TYPE_CHECKING:
    from entrepot.model.job import JobOutput, SyncJob


@attrs.frozen
class ProcessesOptions:
    """How many workers there are. Limits of politeness hold in each worker, not for all together."""

    jobs: int = attrs.field(
        default=2, validator=attrs.validators.ge(1), metadata={"doc": "how many syncs run at one time"}
    )


@attrs.frozen
class Processes:
    """Starts entrepot anew for each sync: a crash, a blocked loop or a full memory is that sync's alone."""

    at_once: int

    async def run(self, job: SyncJob, output: JobOutput) -> int:
        """Sync in a worker."""
        return await run_command(job.command, output)
