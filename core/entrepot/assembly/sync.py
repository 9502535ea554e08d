"""One sync from beginning to end: plan, lease, stages, seal."""

from __future__ import annotations

import asyncio
import datetime
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs

from entrepot.assembly.assemble import assemble, plan_fingerprint
from entrepot.assembly.default_plan import BUILTIN
from entrepot.assembly.outcome import SyncOutcome
from entrepot.assembly.progress import RunProgress
from entrepot.assembly.seal import Settled, publish, settle
from entrepot.assembly.sync_run import SyncRun
from entrepot.catalog.catalog import RunRequest
from entrepot.errors import DepotError, LeaseLost
from entrepot.events import SyncEnded, SyncStarted
from entrepot.model.declarative import DeclarativeContent
from entrepot.model.facts import RESOLVED
from entrepot.model.ledger import Changes
from entrepot.model.pulled import PULLED_NOTHING
from entrepot.model.repository import RepositoryVersion
from entrepot.pipeline.attendance import Attendance
from entrepot.pipeline.run import Pipeline
from entrepot.publish.build import Given

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from entrepot.assembly.equipment import Equipment
    from entrepot.assembly.request import SyncRequest
    from entrepot.model.ledger import Ledger
    from entrepot.pipeline.plan import Plan
    from entrepot.stages.stage import Stage


async def sync(first_stage: Stage, request: SyncRequest, equipment: Equipment) -> SyncOutcome:
    """Make a new version of a repository, or find that nothing differs.

    The plan is checked before the lease is taken, and the lease is held before anything is asked
    of upstream. Whatever fails, the version before stays as it is, and what was stored and saved
    stays for the next run.
    """
    plan = assemble(first_stage, request, equipment.plugins)
    fingerprint = plan_fingerprint(plan, request, equipment.plugins)
    if request.retry is not None:
        plan = request.retry.within(plan)
    ledger = await equipment.catalog.begin(
        RunRequest(
            repository=request.repository.name,
            type=request.repository.type,
            private=request.repository.private,
            mirror=request.mirror and not request.is_partial,
            plan_fingerprint=fingerprint,
        )
    )
    run = SyncRun(request, ledger, equipment=equipment)
    pipeline: Pipeline[Any] = Pipeline(
        plan.stages,
        context=run,
        owners=plan.owners,
        describe=_describing(plan),
        limits=equipment.limits_now(),
        resolved=RESOLVED,
    )
    return await _Attempt(run, pipeline).carry_out()


class _Attempt:
    """A run with its pipeline, until it has ended one way or the other."""

    def __init__(self, run: SyncRun, pipeline: Pipeline[Any]) -> None:
        self.run = run
        self.pipeline = pipeline
        self.progress = RunProgress(run, pipeline)
        self.began = run.equipment.clock()
        counted = run.equipment.catalog.statements
        self.calls, self.rows = counted.calls, counted.rows

    async def carry_out(self) -> SyncOutcome:
        equipment, request = self.run.equipment, self.run.request
        number, progress = self.run.ledger.number, self.progress
        equipment.listener(SyncStarted(request.repository.name, number, progress, outside=progress))
        equipment.plugins.tell_started(request)
        try:
            outcome = await self._to_the_end()
        except BaseException as error:
            await self._give_up(error)
            raise
        finally:
            self.run.discard_leftovers()
        equipment.plugins.tell_finished(request, outcome)
        self._tell("synced" if outcome.version else "unchanged", outcome)
        return outcome

    async def _to_the_end(self) -> SyncOutcome:
        await asyncio.to_thread(self.run.equipment.storage.sweep)
        await self.pipeline.run()
        self._check_nothing_is_lost()
        publisher = self.run.equipment.plugins.publisher(self.run.repository.type)
        settled = await settle(self.run, publisher, self.progress.enter)
        if not settled.differs:
            outcome = self._outcome(settled.changes, None)
            await self.run.ledger.finish("unchanged", self._brief(outcome))
            return outcome
        return await self._seal(settled)

    def _check_nothing_is_lost(self) -> None:
        """A unit that went without a word would count as gone upstream."""
        lost = self.pipeline.lost({stage.plugin for stage in self.pipeline.trace.stages} - {BUILTIN})
        if len(lost) > 1:
            raise ExceptionGroup(f"{len(lost)} stages lost units", lost)
        for error in lost:
            raise error

    async def _seal(self, settled: Settled) -> SyncOutcome:
        self.progress.enter("publishing")
        await self._publish(settled)
        self.progress.enter("making the version visible")
        outcome = self._outcome(settled.changes, None)
        moment = await self.run.ledger.complete(fingerprint=settled.fingerprint, report=outcome.report)
        completed = datetime.datetime.fromtimestamp(moment, datetime.UTC)
        version = RepositoryVersion(self.run.repository, self.run.ledger.number, completed=completed)
        return self._outcome(settled.changes, version)

    async def _publish(self, settled: Settled) -> None:
        """Let the publisher write, within the limits of stages; what it gives counts as movement."""
        equipment, given = self.run.equipment, Given()
        limits = equipment.limits_now()
        told = equipment.plugins.publisher(self.run.repository.type)
        attendance = Attendance(
            limits=attrs.evolve(limits, moved=lambda: limits.moved() + given.pieces),
            who=f"publisher of {self.run.repository.type!r} of plugin {told[0] if told else BUILTIN!r}",
            clock=equipment.clock,
            passed=self.pipeline.trace.elapsed,
        )
        await attendance.over(publish(self.run, settled, given))

    async def _give_up(self, error: BaseException) -> None:
        outcome = "cancelled" if isinstance(error, asyncio.CancelledError | KeyboardInterrupt) else "failed"
        report = self._outcome(Changes(0, 0, 0, 0), None).report
        if not isinstance(error, LeaseLost):
            await _finish(self.run.ledger, outcome, {**report, "error": _told(error)})
        self.run.equipment.plugins.tell_finished(self.run.request, error)
        self._tell(outcome, None)

    def _tell(self, outcome: str, ended: SyncOutcome | None) -> None:
        number = ended.version.number if ended is not None and ended.version is not None else None
        report = ended.report if ended is not None else {}
        self.run.equipment.listener(SyncEnded(self.run.repository.name, outcome, number, report))

    def _outcome(self, changes: Changes, version: RepositoryVersion | None) -> SyncOutcome:
        run = self.run
        outcome = SyncOutcome(
            repository=run.repository.name,
            version=version,
            **changes._asdict(),
            failed=len(run.failed),
            refused=run.refused.total(),
            downloaded=run.downloaded,
            downloaded_bytes=run.downloaded_bytes,
            seconds=run.equipment.clock() - self.began,
            report={},
        )
        return attrs.evolve(outcome, report=self._report(outcome))

    def _report(self, outcome: SyncOutcome) -> Mapping[str, Any]:
        return {
            **{name: value for name, value in outcome.to_json().items() if name not in ("event", "version")},
            "failures": self.run.failures,
            "refusals": self.run.refusals,
            "refused_by": self._refused_by(),
            "retried": self.run.request.retry is not None,
            **({"pulled": self.run.pulled_groups} if self.run.request.pulled else {}),
            "remarks": self.run.remarks,
            "trace": self.pipeline.trace.to_json(),
            "bottleneck": self.pipeline.trace.bottleneck(),
            "database": self._database(),
        }

    def _brief(self, outcome: SyncOutcome) -> Mapping[str, Any]:
        """What is kept of a run without a version: of pulls that found nothing, no more than that."""
        said_nothing = not (self.run.pulled_groups or outcome.failed or outcome.refused)
        return PULLED_NOTHING if self.run.request.pulled and said_nothing else outcome.report

    def _refused_by(self) -> list[Mapping[str, Any]]:
        return [
            {"plugin": plugin, "version": version, "rule": rule, "units": units}
            for (plugin, version, rule), units in sorted(self.run.refused.items())
        ]

    def _database(self) -> Mapping[str, int]:
        """Calls, and rows handed over, since the run began; those of other runs of this process too."""
        counted = self.run.equipment.catalog.statements
        return {"calls": counted.calls - self.calls, "rows": counted.rows - self.rows}


async def _finish(ledger: Ledger, outcome: str, report: Mapping[str, Any]) -> None:
    """Note the end of a run that made nothing, also while the task is being cancelled.

    Where that cannot be written either, what ended the run is what is told.
    """
    with suppress(DepotError):
        await asyncio.shield(ledger.finish(outcome, report))


def _told(error: BaseException) -> str:
    """All that went wrong, each in its words: a group by itself says only how many there are."""
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(map(_told, error.exceptions))
    return str(error)


def _describing(plan: Plan) -> Callable[[object], tuple[str, str | None]]:
    """Name units to a person; for what is none, the stages that may have put it, whoever stumbled over it."""
    own = [f"{step.name} of plugin {step.plugin!r}" for step in plan.steps if step.plugin != BUILTIN]

    def describe(unit: object) -> tuple[str, str | None]:
        if isinstance(unit, DeclarativeContent):
            return unit.describe(), next((artifact.url for artifact in unit.d_artifacts if artifact.url), None)
        return f"{unit!r:.100}, which is no unit; it was put on by {' or '.join(own)}", None

    return describe
