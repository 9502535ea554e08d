"""Trying again only what an earlier run gave up on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

import attrs

from entrepot.assembly.default_plan import BUILTIN
from entrepot.pipeline.plan import Plan
from entrepot.pipeline.step import Step
from entrepot.stages.retry_failed import RetryFailed

if TYPE_CHECKING:
    from entrepot.model.ledger import FailureRow


@attrs.frozen
class Retry:
    """Which units are tried again; all else stays as the latest version has it.

    Where the first stage itself gave up within a scope, nobody knows what else it would have said
    there: the whole scope is tried.
    """

    keys: frozenset[str]
    scopes: frozenset[str]

    @classmethod
    def of(cls, failures: Iterable[FailureRow], lacking: Iterable[str] = (), *, first_stage: str) -> Self:
        """What a run's failures call for: those units, and what was left out as it lacks what it needs.

        `lacking` are the keys of these. What one needs may be refused again; then it is told again.
        """
        rows = list(failures)
        scopes = (row.scope for row in rows if row.stage == first_stage and row.scope is not None)
        return cls(frozenset({row.key for row in rows}.union(lacking)), frozenset(scopes))

    def within(self, plan: Plan) -> Plan:
        """The plan with a stage before the first built-in one that lets nothing else through.

        There, because a unit that failed may have been made by a plugin's stage out of one that did
        not. It changes no fingerprint: lists that are as they were are still known by their digest.
        """
        steps = list(plan.steps)
        at = next((place for place, step in enumerate(steps) if place and step.plugin == BUILTIN), 1)
        steps.insert(at, Step(RetryFailed.__name__, RetryFailed(self.keys, self.scopes), BUILTIN))
        return attrs.evolve(plan, steps=steps)
