"""Trace: what the last run of a repository counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from entrepot.errors import ConfigurationError
from entrepot.operations.versions import is_synced
from entrepot.pipeline.trace import Trace

if TYPE_CHECKING:
    from entrepot.catalog.rows import RunRow
    from entrepot.depot import Depot
    from entrepot.model.ledger import FailureRow, RefusalRow


@attrs.frozen(kw_only=True)
class RunTrace:
    """The last run: how it went, what its stages counted, and what was left out or given up on.

    `trace` is None for a run that is under way or was cut off: what it counted is with its process.
    """

    run: RunRow
    trace: Trace | None
    failures: list[FailureRow]
    refusals: list[RefusalRow]


def trace(depot: Depot, name: str) -> RunTrace:
    """Read the last run's report; `ConfigurationError` when the repository was never synced."""
    reader = depot.catalog.reader
    run = reader.last_run(name) if is_synced(depot, name) else None
    if run is None:
        raise never_synced(depot, name)
    counted = run.report.get("trace")
    return RunTrace(
        run=run,
        trace=Trace.from_json(counted) if counted else None,
        failures=reader.failures(name, run.id),
        refusals=reader.refusals(name, run.id),
    )


def never_synced(depot: Depot, name: str) -> ConfigurationError:
    """The error for a configured repository that nothing is known of yet."""
    configured = depot.settings.repository(name)
    return ConfigurationError(
        f"repository {name!r} was never synced", where=configured.place, remedy=f"entrepot sync {name}"
    )
