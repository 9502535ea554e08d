"""What can happen during a run, as frozen values; told to listeners, never read by the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import attrs


class StageProgress(NamedTuple):
    """One stage at this moment: units that came in and went out, and those that wait before it."""

    stage: str
    received: int
    sent: int
    waiting: int


class Progress(Protocol):
    """A running sync, to be looked at as often as one likes from the loop's thread."""

    @property
    def phase(self) -> str:
        """What goes on: "stages", then the steps of the seal."""

    @property
    def downloaded(self) -> int:
        """Artifacts that came in whole."""

    @property
    def downloaded_bytes(self) -> int: ...

    def stages(self) -> Sequence[StageProgress]: ...

    def bottleneck(self) -> str:
        """One line that says which stage the others wait for."""

    def stalled(self, seconds: float) -> str | None:
        """Name the stage and unit that the run waits on, when nothing moved for so long."""


@attrs.frozen
class SyncStarted:
    """The plan holds, the repository's lease is taken, and the stages are about to run."""

    repository: str
    number: int
    progress: Progress


@attrs.frozen
class Retrying:
    """A request failed in a way that may pass; it is asked again after `delay` seconds."""

    url: str
    attempt: int
    delay: float
    reason: str


@attrs.frozen
class UnitRefused:
    """A unit was left out on purpose."""

    unit: str
    rule: str
    reason: str
    plugin: str


@attrs.frozen
class UnitFailed:
    """A unit was given up on."""

    unit: str
    stage: str
    reason: str
    url: str | None
    plugin: str


@attrs.frozen
class SyncEnded:
    """The run is over; `outcome` is "synced", "unchanged", "failed" or "cancelled"."""

    repository: str
    outcome: str
    version: int | None
    report: Mapping[str, Any] = attrs.field(repr=False)


Event: TypeAlias = SyncStarted | Retrying | UnitRefused | UnitFailed | SyncEnded
Listener: TypeAlias = Callable[[Event], None]


def nobody(event: Event) -> None:
    """Listen to nothing."""
