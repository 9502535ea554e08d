"""What this plugin registers with entrepot."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from entrepot.plugin import ArtifactSaver, ConfigurationError, Edit, RunContext, before, hookimpl
from entrepot_scan.options import ScanOptions, check
from entrepot_scan.stage import ScanArtifacts


@hookimpl
def entrepot_edit_plan(context: RunContext) -> Sequence[Edit]:
    """Repositories whose configuration names a scanner are scanned; others are left alone."""
    options = context.plugin_options("scan", ScanOptions)
    if options == ScanOptions():
        return []
    check(options)
    if shutil.which(options.command[0]) is None:
        raise ConfigurationError(
            f"there is no program {options.command[0]!r} to scan with",
            where=f"repository {context.repository.name!r}, options of plugin 'scan'",
            remedy="install it, or write its whole path in command",
        )
    if context.remote.deferred and not options.allow_unscanned:
        raise ConfigurationError(
            f"with policy = {context.policy!r}, files come when clients ask for them, and nobody scans them",
            where=f"repository {context.repository.name!r}, options of plugin 'scan'",
            remedy='set policy = "immediate", or allow_unscanned = true to serve unscanned files',
        )
    return [before(ArtifactSaver, ScanArtifacts(options))]
