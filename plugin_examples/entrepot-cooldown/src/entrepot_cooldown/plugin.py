"""What this plugin registers with entrepot."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.plugin import Edit, QueryExistingArtifacts, RunContext, before, hookimpl
from entrepot_cooldown.options import CooldownOptions
from entrepot_cooldown.stage import Cooldown


@hookimpl
def entrepot_edit_plan(context: RunContext) -> Sequence[Edit]:
    """Repositories that say how old content has to be are held to it; others are left alone."""
    options = context.plugin_options("cooldown", CooldownOptions)
    return [before(QueryExistingArtifacts, Cooldown(options))] if options.holds else []
