"""What this plugin registers with entrepot."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.plugin import (
    ArtifactSaver,
    Content,
    Edit,
    FirstStage,
    Intake,
    Publisher,
    RunContext,
    Stage,
    after,
    hookimpl,
)
from entrepot_file import pulp_manifest, sha256sums
from entrepot_file.combining import COMBINING
from entrepot_file.content import FileContent
from entrepot_file.note_sizes import NoteSizes
from entrepot_file.options import FileOptions, format_of
from entrepot_file.publisher import ListPublisher
from entrepot_file.read_list import ReadList
from entrepot_file.read_tree import ReadTree
from entrepot_file.take_file import TakeFile

TYPE = "file"


@hookimpl
def entrepot_register_content_types() -> Sequence[type[Content]]:
    """A file."""
    return [FileContent]


@hookimpl
def entrepot_register_first_stages() -> Sequence[FirstStage]:
    """Repositories of type `file` are read from a list, or from a folder, or take uploads."""
    return [FirstStage(TYPE, make=_first_stage, options=FileOptions, intake=Intake(lambda _: TakeFile()))]


@hookimpl
def entrepot_register_publishers() -> Sequence[Publisher]:
    """They are published with a list of each kind."""
    return [Publisher(TYPE, make=lambda _: ListPublisher(), usage=_usage, combining=COMBINING)]


@hookimpl
def entrepot_edit_plan(context: RunContext) -> Sequence[Edit]:
    """A list of checksums tells no sizes; where files are downloaded at once, we learn them."""
    if context.repository.type != TYPE or context.remote.deferred or context.uploads:
        return []
    if format_of(context.remote.url, context.options) != "sha256sums":
        return []
    return [after(ArtifactSaver, NoteSizes())]


def _first_stage(context: RunContext) -> Stage:
    remote, options = context.remote, context.options
    match format_of(remote.url, options):
        case "pulp_manifest":
            return ReadList(remote, pulp_manifest.read_lines, skip_unchanged=options.skip_unchanged)
        case "sha256sums":
            return ReadList(remote, sha256sums.read_lines, skip_unchanged=options.skip_unchanged)
        case "tree":
            return ReadTree(remote, skip_unchanged=options.skip_unchanged)


def _usage(url: str) -> str:
    return f"curl --fail --remote-name {url.rstrip('/')}/SHA256SUMS"
