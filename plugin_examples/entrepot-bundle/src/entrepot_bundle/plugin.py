"""What this plugin registers with entrepot."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.plugin import ArtifactSaver, Content, Edit, FirstStage, RunContext, after, hookimpl
from entrepot_bundle.content import Blob, Index, Manifest
from entrepot_bundle.stages import NoteNeeds, ReadBundles

TYPE = "bundle"


@hookimpl
def entrepot_register_content_types() -> Sequence[type[Content]]:
    """Three kinds of file."""
    return [Index, Manifest, Blob]


@hookimpl
def entrepot_register_first_stages() -> Sequence[FirstStage]:
    """Repositories of type `bundle` are read from an index."""
    return [FirstStage(TYPE, make=lambda context: ReadBundles(context.remote))]


@hookimpl
def entrepot_edit_plan(context: RunContext) -> Sequence[Edit]:
    """What a manifest needs is known as soon as its bytes are here."""
    return [after(ArtifactSaver, NoteNeeds())] if context.repository.type == TYPE else []
