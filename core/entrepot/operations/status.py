"""Status: every repository at a glance, configured or remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from entrepot.catalog.rows import RepositoryRow, RunRow
    from entrepot.depot import Depot


@attrs.frozen(kw_only=True)
class RepositoryStatus:
    """One repository: what the configuration says, what the catalog has, and how the last run went.

    `configured` is false for one that was taken out of the configuration; its versions stay.
    `last_run` is "running" for a run that has not ended: one under way, or one that was cut off.
    """

    name: str
    type: str
    configured: bool
    private: bool = False
    latest: int | None = None
    completed: float | None = None
    members: int = 0
    versions: int = 0
    last_run: str | None = None
    last_run_at: float | None = None
    failed: int = 0
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The line that programs get."""
        return {"event": "status", **attrs.asdict(self)}


def status(depot: Depot) -> list[RepositoryStatus]:
    """All repositories in order of name."""
    rows = {row.name: row for row in depot.catalog.reader.repositories()}
    return [_status(depot, name, rows.get(name)) for name in sorted(rows.keys() | depot.settings.repositories.keys())]


def _status(depot: Depot, name: str, row: RepositoryRow | None) -> RepositoryStatus:
    configured = depot.settings.repositories.get(name)
    kind = configured.type if configured else row.type if row else ""
    if row is None:
        return RepositoryStatus(name=name, type=kind, configured=configured is not None)
    run = depot.catalog.reader.last_run(name)
    return RepositoryStatus(
        name=name,
        type=kind,
        configured=configured is not None,
        private=row.private,
        latest=row.latest,
        completed=row.completed,
        members=row.members,
        versions=row.versions,
        **_run(run),
    )


def _run(run: RunRow | None) -> dict[str, Any]:
    if run is None:
        return {}
    return {
        "last_run": run.outcome or "running",
        "last_run_at": run.ended if run.ended is not None else run.started,
        "failed": run.report.get("failed", 0),
        "error": run.report.get("error"),
    }
