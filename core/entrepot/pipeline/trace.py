"""What a run has counted: for each stage how much, how long, and which stage held up the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class StageTrace:
    """The counts of one stage at one moment; times are seconds and add up to the time it has run."""

    stage: str
    plugin: str
    state: str
    units_in: int
    units_out: int
    refused: int
    failed: int
    unread: int
    """Units it was sent and never looked at, because it ended before its input."""
    depth: int
    """Units that wait in its input now."""
    busy: float
    waiting_for_input: float
    waiting_for_room: float
    waiting_for_others: float
    """For a unit to be resolved, or for a share of a budget."""
    batches: int
    batch_max: int
    batch_mean: float


@attrs.frozen
class Trace:
    """One moment of a run, or its end."""

    elapsed: float
    stages: tuple[StageTrace, ...]

    def bottleneck(self) -> str:
        """Say in one line which stage was busy for longest, and so held up the others."""
        if not self.stages or self.elapsed <= 0:
            return "no stage has run"
        slowest = max(self.stages, key=lambda stage: stage.busy)
        return (
            f"bottleneck: {named(slowest.stage, slowest.plugin)}, busy {slowest.busy / self.elapsed:.0%} "
            f"of {self.elapsed:.1f} s with {max(slowest.units_in, slowest.units_out):,} units"
        )

    def to_json(self) -> dict[str, Any]:
        """The same as plain values that JSON knows."""
        return attrs.asdict(
            self, value_serializer=lambda _, __, value: list(value) if isinstance(value, tuple) else value
        )

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Trace:
        """Read what `to_json` gave, of this or another version: what is missing counts as nothing."""
        return cls(saved["elapsed"], tuple(_stage_from(stage) for stage in saved["stages"]))


def named(stage: str, plugin: str) -> str:
    """The words for a stage in messages."""
    return f"stage {stage!r} of plugin {plugin!r}" if plugin else f"stage {stage!r}"


def _stage_from(saved: Mapping[str, Any]) -> StageTrace:
    texts = {"stage", "plugin", "state"}
    return StageTrace(
        **{field.name: saved.get(field.name, "" if field.name in texts else 0) for field in attrs.fields(StageTrace)}
    )
