"""What this plugin registers with entrepot.

Every command loads it, whatever is synced: what only this type needs is imported when it is made.
"""

# ruff: noqa: PLC0415  # imports in functions are how this module is meant

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from entrepot.plugin import (
    Content,
    FirstStage,
    ImportContext,
    Imported,
    Importer,
    Intake,
    Publisher,
    RunContext,
    Stage,
    UploadReader,
    hookimpl,
)
from entrepot_python.combining import COMBINING
from entrepot_python.content import PythonFile, PythonProject
from entrepot_python.options import PythonOptions

if TYPE_CHECKING:
    from entrepot_python.publisher import SimplePublisher


@hookimpl
def entrepot_register_content_types() -> Sequence[type[Content]]:
    """A project, and a file of a project."""
    return [PythonProject, PythonFile]


@hookimpl
def entrepot_register_first_stages() -> Sequence[FirstStage]:
    """Repositories of type `python` are read from a simple index, by default that of pip."""
    told = "Each index that pip on this machine is configured with."
    return [
        FirstStage(
            "python",
            make=_first_stage,
            options=PythonOptions,
            default_url=_default_url,
            pulls=_pulls,
            intake=Intake(_upload_reader),
            importers=[Importer("pip-config", _import_pip_config, told=told)],
        )
    ]


@hookimpl
def entrepot_register_publishers() -> Sequence[Publisher]:
    """They are published as a simple index again."""
    return [Publisher("python", make=_publisher, version="3", usage=_usage, combining=COMBINING)]


def _first_stage(context: RunContext) -> Stage:
    from entrepot_python.selection import parse_selection

    selection = parse_selection(context.options, pull_through=context.pull_through)
    if context.options.dependencies:
        from entrepot_python.mirror_closure import MirrorClosure

        return MirrorClosure(context.remote, selection)
    from entrepot_python.mirror_projects import MirrorProjects

    return MirrorProjects(context.remote, selection)


def _default_url() -> str:
    from entrepot_python.pip_index import ask_pip

    return ask_pip()


def _pulls(options: PythonOptions) -> Callable[[str], str | None]:
    from entrepot_python.asked_for import asked_for

    return asked_for(options)


def _upload_reader(context: RunContext) -> UploadReader:  # noqa: ARG001  # as intakes have it
    from entrepot_python.take_distribution import TakeDistribution

    return TakeDistribution()


def _import_pip_config(context: ImportContext) -> list[Imported]:
    from entrepot_python.pip_config import import_pip_config

    return import_pip_config(context)


def _publisher(context: RunContext) -> SimplePublisher:
    from entrepot_python.address import folder_url
    from entrepot_python.publisher import SimplePublisher

    options = context.options
    return SimplePublisher(legacy=options.legacy_json, base_url=folder_url(options.base_url))


def _usage(url: str) -> str:
    return f"pip install --index-url {url.rstrip('/')}/simple/ PROJECT"
