"""A running sync, to be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from entrepot.events import Holder, StageProgress

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from types import FrameType

    from entrepot.assembly.sync_run import SyncRun
    from entrepot.pipeline.run import Pipeline

_LONGEST_NOTE: Final = 5.0


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

    def holder(self, frame: FrameType, task: asyncio.Task[Any] | None) -> Holder | None:
        """Which stage's code the loop's thread runs; for another thread to ask."""
        seat = self._pipeline.holder(frame, task)
        if seat is None:
            return None
        return Holder(seat.plugin, seat.place(), type(seat.stage).__module__.partition(".")[0])

    def end_here(self, error: str) -> None:
        """Note that the run failed, from another thread, before the process is ended."""
        trace = self._pipeline.trace
        report = {"error": error, "trace": trace.to_json(), "bottleneck": trace.bottleneck()}
        self._run.equipment.catalog.end_running(report, seconds=_LONGEST_NOTE)
