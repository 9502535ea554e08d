"""Sync: bring a configured repository up to its upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from entrepot.assembly.outcome import SyncOutcome
from entrepot.assembly.request import Confirmed
from entrepot.assembly.retry import Retry
from entrepot.assembly.seal import is_lacking
from entrepot.errors import ConfigurationError
from entrepot.events import Listener, nobody
from entrepot.operations.versions import is_synced

if TYPE_CHECKING:
    from entrepot.depot import Depot

__all__ = ["Confirmed", "SyncOutcome", "retry_failed", "sync"]

NOTHING: Final = Confirmed()


async def sync(depot: Depot, name: str, *, listener: Listener = nobody, confirmed: Confirmed = NOTHING) -> SyncOutcome:
    """Sync one repository as it is configured, with the first stage of its type.

    Raises what ended the run; the version before is then served unchanged. A run in which units
    failed and were skipped or kept ends well, and its outcome says so.
    """
    configured = depot.settings.repository(name)
    if configured.uploads:
        raise ConfigurationError(
            f"repository {name!r} has no upstream to sync with: it holds what is uploaded to it",
            where=configured.place,
            remedy=f"entrepot upload {name} FILE...",
        )
    request = attrs.evolve(depot.request(name), confirmed=confirmed)
    first_stage = depot.first_stage(name).make(request)
    return await depot.workshop.run(first_stage, request, listener=listener)


async def retry_failed(
    depot: Depot, name: str, *, listener: Listener = nobody, confirmed: Confirmed = NOTHING
) -> SyncOutcome | None:
    """Try again only the units that the latest telling run gave up on; None when it gave up on none.

    What was left out because it needs one of them is tried with them. All else stays as the latest
    version has it. After a run that made no version for its failures, there is nothing that could
    stay: that is an ordinary sync, in which all that came in is held.
    """
    run = depot.catalog.reader.last_telling_run(name) if is_synced(depot, name) else None
    failures = depot.catalog.reader.failures(name, run.id) if run is not None else []
    if run is None or not failures:
        return None
    if run.outcome == "failed":
        return await sync(depot, name, listener=listener, confirmed=confirmed)
    request = attrs.evolve(depot.request(name), confirmed=confirmed)
    first_stage = depot.first_stage(name).make(request)
    lacking = [row.key for row in depot.catalog.reader.refusals(name, run.id) if is_lacking(row)]
    retry = Retry.of(failures, lacking, first_stage=type(first_stage).__name__)
    return await depot.workshop.run(first_stage, attrs.evolve(request, retry=retry), listener=listener)
