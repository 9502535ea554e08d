"""The context of a running sync, for stages that are tried one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from entrepot.assembly.sync_run import SyncRun
from entrepot.catalog.catalog import RunRequest
from entrepot.depot import Depot
from entrepot.events import Listener, nobody


@asynccontextmanager
async def running(depot: Depot, name: str, *, listener: Listener = nobody) -> AsyncIterator[SyncRun]:
    """Hold a repository as a sync does, and lend what its stages get as `self.context`.

    What stages save stays in the depot, as after any sync that was cancelled; no version is made
    unless the test goes on to the seal.

    >>> async with running(depot, "tools") as context:
    ...     out = await run_stage(QueryExistingContents(), units, context=context)
    """
    request = depot.request(name)
    ledger = await depot.catalog.begin(
        RunRequest(
            repository=name,
            type=request.repository.type,
            private=request.repository.private,
            mirror=request.mirror,
            plan_fingerprint="",
        )
    )
    async with depot.workshop.equipment(listener) as equipment:
        run = SyncRun(request, ledger, equipment=equipment)
        try:
            yield run
        finally:
            run.discard_leftovers()
            await ledger.finish("cancelled", {})
