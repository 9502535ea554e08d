"""What ends a run when a stage does not keep to what stages promise."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.errors import EntrepotError


class StageStalled(EntrepotError):
    """Nothing has moved for as long as a run may stand still, and this stage or publisher is why."""

    def __init__(self, stall: str, *, place: str, seconds: float) -> None:
        super().__init__(
            stall,
            where=place,
            remedy=f"report it to the plugin named here; if it may stand still for {seconds:g} s, raise "
            "stall_timeout in [depot]",
        )
        self.seconds = seconds


class RunTooLong(EntrepotError):
    """A run has taken as long as one may take."""

    def __init__(self, seconds: float, *, place: str, bottleneck: str) -> None:
        super().__init__(
            f"this run did not end within {seconds:g} s; {bottleneck}",
            where=place,
            remedy="raise sync_timeout in [depot] if it may take longer, else report it to the plugin named here",
        )
        self.seconds = seconds


class LoopBlocked(EntrepotError):
    """Code has held the event loop for too long; where nobody is served, the process is ended."""

    def __init__(self, seconds: float, *, who: str, place: str, plugin: str = "", ended: bool = True) -> None:
        super().__init__(
            f"the event loop has stood still for {seconds:g} s, held by {who}"
            + ("; the process was ended" if ended else ""),
            where=place,
            remedy="in that place, await what waits and hand what computes to asyncio.to_thread"
            + (f"; until then leave the plugin out: entrepot --block {plugin} ..." if plugin else "")
            + "; if it may take so long, raise loop_timeout in [depot]",
        )
        self.seconds, self.plugin = seconds, plugin


class UnitsLost(EntrepotError):
    """A stage let units go without passing them on and without saying why."""

    def __init__(self, stage: str, *, place: str, units: int, unread: int) -> None:
        read = f"{units - unread} that it read, and neither put on, refused nor failed"
        how = " and ".join([*([read] if units > unread else []), *([f"{unread} that it never read"] if unread else [])])
        super().__init__(
            f"stage {stage!r} lost {units} unit{'s' if units > 1 else ''}: {how}",
            where=place,
            remedy="let it put on, refuse or fail each unit that comes in; which one it does not, run_stage() of"
            " entrepot.testing shows; report it to the plugin named here",
        )
        self.stage, self.units, self.unread = stage, units, unread


class LeftOpen(EntrepotError):
    """A stage has ended, and what it opened or began has not."""

    def __init__(self, stage: str, *, place: str, things: Sequence[str]) -> None:
        super().__init__(
            f"stage {stage!r} left behind: {', '.join(things)}",
            where=place,
            remedy="close in run() what it opens, and await every task that it starts; "
            "report it to the plugin named here",
        )
        self.stage, self.things = stage, tuple(things)
