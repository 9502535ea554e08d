"""From a first stage and the plugins' edits to a plan that holds."""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Any

import attrs
import msgspec

from entrepot.assembly.default_plan import default_plan
from entrepot.errors import safe_url
from entrepot.pipeline.check import check

if TYPE_CHECKING:
    from entrepot.assembly.equipment import PluginAnswers
    from entrepot.assembly.request import SyncRequest
    from entrepot.pipeline.plan import Plan
    from entrepot.stages.stage import Stage

log = logging.getLogger(__name__)


def assemble(first_stage: Stage, request: SyncRequest, plugins: PluginAnswers) -> Plan:
    """Make the plan of one sync, as plugins edited it, and check it before anything is fetched.

    Every plugin is shown the default plan, never another's edits. Raises a `PlanError` that names
    the stage and the plugin.
    """
    plan = default_plan(first_stage, plugin=request.brought_by, mirror=request.mirror)
    asked: set[str] = set()

    def read_table(plugin: str, cls: type[Any]) -> Any:
        asked.add(plugin)
        return request.read_table(plugin, cls)

    edited = plan.edited(plugins.plan_edits(plan, attrs.evolve(request, read_table=read_table)))
    check(edited)
    for name in sorted(request.plugin_tables.keys() - asked):
        log.warning("%s: nobody reads the options of plugin %r; see: entrepot plugins", request.repository.name, name)
    return edited


def plan_fingerprint(plan: Plan, request: SyncRequest, plugins: PluginAnswers) -> str:
    """Digest all that decides how unchanged parts are treated; when it differs, checkpoints are void."""
    stages = [[step.plugin, step.name] for step in plan.steps]
    tables = {name: dict(table) for name, table in request.plugin_tables.items()}
    said = [plugins.fingerprint(), stages, request.options, tables, request.policy, safe_url(request.remote.url)]
    return hashlib.sha256(msgspec.json.encode(said, order="sorted", enc_hook=repr)).hexdigest()
