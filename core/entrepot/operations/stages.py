"""Stages: the plan of a repository as it would run now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from entrepot.assembly.assemble import assemble
from entrepot.assembly.default_plan import BUILTIN

if TYPE_CHECKING:
    from entrepot.depot import Depot
    from entrepot.pipeline.plan import Plan, Row


@attrs.frozen
class Part:
    """What one plugin does to a plan.

    Without it, `brought` go, `out` come back and `changed` are as they were.

    `changed` are stages that it moved or that it put its own in place of.
    """

    plugin: str
    brought: tuple[str, ...] = ()
    out: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def stages(depot: Depot, name: str) -> list[Row]:
    """Order, stage, plugin, needs, gives, and who changed what; nothing is fetched.

    A plan that does not hold raises the `PlanError` that a sync would end with.
    """
    return plan_of(depot, name).rows()


def plan_of(depot: Depot, name: str) -> Plan:
    """The plan as it would run now, checked."""
    request = depot.request(name)
    return assemble(depot.begin(request), request, depot.plugins)


def parts(plan: Plan) -> list[Part]:
    """What each plugin would take along if it were blocked, by its name.

    The first stage's is none of them.
    """
    steps = plan.steps[1:]
    names = {name for step in steps for name in (step.plugin, *step.edited_by)} | {gone.plugin for gone in plan.absent}
    return [
        Part(
            name,
            tuple(step.name for step in steps if step.plugin == name),
            tuple(gone.name for gone in plan.absent if gone.plugin == name),
            tuple(step.name for step in plan.steps if name in step.edited_by and step.plugin != name),
        )
        for name in sorted(names - {BUILTIN})
    ]
