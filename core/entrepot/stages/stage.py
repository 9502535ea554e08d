"""A stage as plugins write it: one that may act on the sync it is part of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

from entrepot.errors import Failed, Refused
from entrepot.model.declarative import PATIENCE, DeclarativeContent
from entrepot.pipeline.stage import Stage as GenericStage

if TYPE_CHECKING:
    from entrepot.model.context import SyncContext


class Stage(GenericStage[DeclarativeContent]):
    """One step of a sync: reads units, does one thing, passes units on.

    Write `run()`: read `self.items()` or `self.batches()`, and `await self.put(unit)` what goes on.
    Every unit that comes in goes out once, or is left out with `refuse` or `fail`. A stage may
    await only units that it has put on.
    """

    async def __call__(self) -> None:
        """Run, and tell the next stage that nothing more will come."""
        PATIENCE.set(self._run)
        await super().__call__()

    @property
    def context(self) -> SyncContext:
        """The sync this stage takes part in; `NotBound` when it runs without a depot."""
        return cast("SyncContext", super().context)

    async def refuse(
        self,
        unit: DeclarativeContent,
        rule: str,
        reason: str,
        *,
        until: float | None = None,
        evict: bool = False,
        remedy: str = "",
    ) -> None:
        """Leave a unit out on purpose; do not put it on.

        Its predecessor stays in the version, unless the sync mirrors or `evict` is set. `until`
        (seconds since 1970) says when the reason passes: scopes are asked for again from then on.
        `remedy` says what one can type or write to let this unit through; `entrepot why` shows it.
        Raises `TypeError` for an `until` that is no number, and `ValueError` for one that is no moment.
        """
        _check_moment(until)
        refused = Refused(unit.describe(), rule, reason, plugin=self._run.owner, remedy=remedy)
        unit.leave_out(refused, by=self._place())
        self._run.count_refused()
        if self._run.context is not None:
            await self.context.note_refusal(unit, refused, stage=type(self).__name__, until=until, evict=evict)

    def remark(self, unit: DeclarativeContent, rule: str, reason: str) -> None:
        """Let the run's report say why a unit was let through, or what else is to be known of it."""
        if self._run.context is not None:
            name = type(self).__name__
            self.context.note_remark(unit, rule, reason, stage=name, plugin=self._run.owner)

    async def fail(self, unit: DeclarativeContent, error: BaseException) -> None:
        """Give up on one unit; do not put it on.

        The repository's `on_error` decides what follows; one unit's trouble is never raised here,
        save when so many have failed that going on is pointless. Raises `TypeError` for what is no error.
        """
        if not isinstance(error, BaseException):
            raise TypeError(f"fail takes an error, such as InvalidMetadata(...), and not {error!r:.100}")
        failed = Failed(unit.describe(), error)
        unit.leave_out(failed, by=self._place())
        self._run.count_failed()
        if self._run.context is not None:
            await self.context.note_failure(unit, failed, stage=type(self).__name__, plugin=self._run.owner)

    def _place(self) -> str:
        return f"stage {type(self).__name__!r} of plugin {self._run.owner!r}"

    async def keep(self, scope: str) -> None:
        """Keep all that the latest version has of a scope, unseen."""
        await self.context.ledger.keep(scope)

    async def keep_rest(self) -> None:
        """Keep every scope that this run neither declares nor drops, unseen."""
        await self.context.ledger.keep_rest()

    async def drop(self, scope: str) -> None:
        """Let a scope go, also when the rest is kept."""
        await self.context.ledger.drop(scope)


def _check_moment(until: object) -> None:
    """Refuse what would be noted and never come: text, or a number that is no time."""
    if until is None:
        return
    if isinstance(until, bool) or not isinstance(until, int | float):
        raise TypeError(f"until is in seconds since 1970, such as moment.timestamp(), and not {until!r:.100}")
    if not math.isfinite(until):
        raise ValueError(f"until is {until}, and has to be a moment; say None where the reason does not pass")
