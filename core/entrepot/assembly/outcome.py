"""What became of a sync."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from entrepot.model.repository import RepositoryVersion


@attrs.frozen(kw_only=True)
class SyncOutcome:
    """A sync that ended well; `version` is None when nothing differed from the latest."""

    repository: str
    version: RepositoryVersion | None
    added: int
    changed: int
    removed: int
    unchanged: int
    failed: int
    refused: int
    downloaded: int
    downloaded_bytes: int
    seconds: float
    report: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def exit_code(self) -> int:
        """0, or 1 when units failed and were skipped or kept."""
        return 1 if self.failed else 0

    def to_json(self) -> dict[str, Any]:
        """The line that a sync ends with for programs."""
        names = ("added", "changed", "removed", "unchanged", "failed", "refused", "downloaded", "downloaded_bytes")
        return {
            "event": "synced",
            "repository": self.repository,
            "version": self.version.number if self.version is not None else None,
            **{name: getattr(self, name) for name in names},
            "seconds": round(self.seconds, 3),
        }
