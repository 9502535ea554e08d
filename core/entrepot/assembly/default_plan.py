"""The stages of a sync, before any plugin edits them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from entrepot.model import facts
from entrepot.pipeline.plan import Plan
from entrepot.pipeline.stage import EndStage
from entrepot.pipeline.step import Step
from entrepot.stages.artifact_downloader import ArtifactDownloader
from entrepot.stages.artifact_saver import ArtifactSaver
from entrepot.stages.content_association import ContentAssociation
from entrepot.stages.content_saver import ContentSaver
from entrepot.stages.content_unassociation import ContentUnassociation
from entrepot.stages.query_existing_artifacts import QueryExistingArtifacts
from entrepot.stages.query_existing_contents import QueryExistingContents
from entrepot.stages.remote_artifact_saver import RemoteArtifactSaver
from entrepot.stages.resolve_content_futures import ResolveContentFutures

if TYPE_CHECKING:
    from entrepot.pipeline.stage import Stage

BUILTIN = "builtin"


def default_plan(first_stage: Stage[Any], *, plugin: str, mirror: bool) -> Plan:
    """Put the built-in stages behind a first stage; `plugin` is who brought that one.

    A plan in which nothing is associated would end well, and make no version: it is refused.
    """
    stages = [
        QueryExistingArtifacts(),
        ArtifactDownloader(),
        ArtifactSaver(),
        QueryExistingContents(),
        ContentSaver(),
        RemoteArtifactSaver(),
        ResolveContentFutures(),
        ContentAssociation(),
        *([ContentUnassociation()] if mirror else []),
        EndStage(),
    ]
    first = Step(type(first_stage).__name__, first_stage, plugin)
    rest = [Step(type(stage).__name__, stage, BUILTIN) for stage in stages]
    return Plan((first, *rest), first_gives={facts.DECLARED}, last_needs={facts.ASSOCIATED})
