"""Stages: the plan of a repository as it would run now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.assembly.assemble import assemble

if TYPE_CHECKING:
    from entrepot.depot import Depot
    from entrepot.pipeline.plan import Row


def stages(depot: Depot, name: str) -> list[Row]:
    """Order, stage, plugin, needs, gives, and who changed what; nothing is fetched.

    A plan that does not hold raises the `PlanError` that a sync would end with.
    """
    request = depot.request(name)
    return assemble(depot.first_stage(name).make(request), request, depot.plugins).rows()
