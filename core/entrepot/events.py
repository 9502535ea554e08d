"""What can happen during a run, as frozen values; told to listeners, never read by the engine."""

from __future__ import annotations

from asyncio import Task
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any, NamedTuple, Protocol, TypeAlias

import attrs


class StageProgress(NamedTuple):
    """One stage at this moment: units that came in and went out, and those that wait before it."""

    stage: str
    received: int
    sent: int
    waiting: int


class Holder(NamedTuple):
    """Whose code runs: a stage's plugin, the words for it, and its package."""

    plugin: str
    place: str
    package: str


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


class Outside(Protocol):
    """A running sync as another thread sees it, while the loop's own is held up."""

    def holder(self, frame: FrameType, task: Task[Any] | None) -> Holder | None:
        """Whose code the loop's thread runs; None when it is no stage's."""

    def end_here(self, error: str) -> None:
        """Note that the run failed, for whoever ends the process next; gives up after a few seconds."""


@attrs.frozen
class SyncStarted:
    """The plan holds, the repository's lease is taken, and the stages are about to run."""

    repository: str
    number: int
    progress: Progress
    outside: Outside | None = attrs.field(default=None, repr=False)


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
    """A unit was given up on; `key` is its natural key, `unit` how it is told to people."""

    unit: str
    stage: str
    reason: str
    url: str | None
    plugin: str
    key: str = ""
    scope: str | None = None


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
