"""Sync: bring a configured repository up to its upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.assembly.outcome import SyncOutcome
from entrepot.events import Listener, nobody

if TYPE_CHECKING:
    from entrepot.depot import Depot

__all__ = ["SyncOutcome", "sync"]


async def sync(depot: Depot, name: str, *, listener: Listener = nobody) -> SyncOutcome:
    """Sync one repository as it is configured, with the first stage of its type.

    Raises what ended the run; the version before is then served unchanged. A run in which units
    failed and were skipped or kept ends well, and its outcome says so.
    """
    request = depot.request(name)
    first_stage = depot.first_stage(name).make(request)
    return await depot.workshop.run(first_stage, request, listener=listener)
