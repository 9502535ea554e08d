"""What this plugin registers with entrepot."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.plugin import (
    ArtifactDownloader,
    Content,
    Edit,
    QueryExistingArtifacts,
    RunContext,
    after,
    before,
    hookimpl,
)
from entrepot_licenses.policy import LicensesOptions, policy_of
from entrepot_licenses.stages import FetchMetadata, JudgeLicenses, LicenseLabel


@hookimpl
def entrepot_register_content_types() -> Sequence[type[Content]]:
    """A label, beside what it is about."""
    return [LicenseLabel]


@hookimpl
def entrepot_edit_plan(context: RunContext) -> Sequence[Edit]:
    """Repositories whose configuration says what is allowed are judged; others are left alone."""
    policy = policy_of(context.plugin_options("licenses", LicensesOptions))
    if policy is None:
        return []
    return [before(QueryExistingArtifacts, FetchMetadata()), after(ArtifactDownloader, JudgeLicenses(policy))]
