"""A running sync, to be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entrepot.events import StageProgress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.assembly.sync_run import SyncRun
    from entrepot.pipeline.run import Pipeline


class RunProgress:
    """What a display asks for, read from the run and its trace at the moment of asking."""

    def __init__(self, run: SyncRun, pipeline: Pipeline[Any]) -> None:
        self.phase = "stages"
        self._run = run
        self._pipeline = pipeline

    def enter(self, phase: str) -> None:
        """Say which step of the seal goes on."""
        self.phase = phase

    @property
    def downloaded(self) -> int:
        """Artifacts that came in whole."""
        return self._run.downloaded

    @property
    def downloaded_bytes(self) -> int:
        """Bytes of artifacts that came in whole."""
        return self._run.downloaded_bytes

    def stages(self) -> Sequence[StageProgress]:
        """The stages in order, with their counts so far."""
        stages = self._pipeline.trace.stages
        return [StageProgress(stage.stage, stage.units_in, stage.units_out, stage.depth) for stage in stages]

    def bottleneck(self) -> str:
        """One line that says which stage the others wait for."""
        return self._pipeline.trace.bottleneck()

    def stalled(self, seconds: float) -> str | None:
        """Name what the run waits on, when nothing moved for so long."""
        stall = self._pipeline.stalled(seconds)
        return None if stall is None else str(stall)
