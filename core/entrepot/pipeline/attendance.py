"""Attendance: one piece of a plugin's work, kept to the limits of its run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

import attrs

from entrepot.pipeline.errors import RunTooLong, StageStalled

if TYPE_CHECKING:
    from entrepot.errors import EntrepotError
    from entrepot.pipeline.vigil import Limits

#: Seconds in which work that is cancelled has to end; what swallows that is waited for no longer.
_GRACE: Final = 5.0


@attrs.define(kw_only=True)
class Attendance:
    """Waits for work, and cancels it when it is beyond a limit.

    `who` names it with its plugin, and `passed` is how long the run took before. Time counts by
    looks, as it does for stages.
    """

    limits: Limits
    who: str
    clock: Callable[[], float]
    passed: float = 0.0
    _quiet: float = attrs.field(init=False, default=0.0)
    _looked: float = attrs.field(init=False)
    _moved: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._looked, self._moved = self.clock(), self.limits.moved()

    async def over(self, work: Coroutine[Any, Any, None]) -> None:
        """Carry out the work; raises what it raises, `StageStalled` or `RunTooLong`."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=self.limits.every)
                if not task.done() and (error := self._look()) is not None:
                    raise error
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=_GRACE)
            if task.done() and not task.cancelled():
                task.exception()  # seen, so that nobody tells of it apart
        task.result()

    def _look(self) -> EntrepotError | None:
        now, moved = self.clock(), self.limits.moved()
        spent = min(now - self._looked, 2 * (self.limits.every or 0))
        self._passed(spent, still=moved == self._moved)
        self._looked, self._moved = now, moved
        if 0 < self.limits.stall <= self._quiet:
            said = f"nothing has moved for {self._quiet:.0f} s: the {self.who} does not go on"
            return StageStalled(said, place=self.who, seconds=self.limits.stall)
        if 0 < self.limits.whole <= self.passed:
            return RunTooLong(self.limits.whole, place=self.who, bottleneck=f"the {self.who} goes on and on")
        return None

    def _passed(self, seconds: float, *, still: bool) -> None:
        self.passed += seconds
        self._quiet = self._quiet + seconds if still else 0.0
