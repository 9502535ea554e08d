"""Lines for programs that more than one command writes.

All lines of all commands are listed in docs/reference/json-lines.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from entrepot.cli.figures import iso

if TYPE_CHECKING:
    from entrepot.catalog.rows import VersionRow
    from entrepot.settings.values import CombinedSettings

CHANGES: Final = ("added", "changed", "removed", "unchanged", "failed", "refused")

_FAILED: Final = ("key", "stage", "plugin", "url", "scope", "error")


def failed_line(repository: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A unit that was given up on, as a running sync, a version's report or a run's rows have it."""
    return {"event": "failed", "repository": repository, **{name: row.get(name) for name in _FAILED}}


def version_line(row: VersionRow) -> dict[str, Any]:
    """A version, with what its sync counted and the first of what it gave up on."""
    made = {"version": row.number, "completed": iso(row.completed), "members": row.members}
    changes = {change: row.report.get(change, 0) for change in CHANGES}
    listed = {name: row.report.get(name, []) for name in ("failures", "refused_by")}
    return {"event": "version", "repository": row.repository, **made, **changes, **listed}


def combined_line(said: CombinedSettings, shadowed: int | None = None) -> dict[str, Any]:
    """A combination; `shadowed` is None where nobody has looked."""
    told = {"name": said.name, "type": said.type, "private": said.private, "repositories": [*said.repositories]}
    return {"event": "combined", **told, "shadowed": shadowed}
