"""What this plugin registers with entrepot."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.plugin import Content, FirstStage, Importer, Intake, Publisher, RunContext, hookimpl
from entrepot_python.address import folder_url
from entrepot_python.asked_for import asked_for
from entrepot_python.combining import COMBINING
from entrepot_python.content import PythonFile, PythonProject
from entrepot_python.mirror_closure import MirrorClosure
from entrepot_python.mirror_projects import MirrorProjects
from entrepot_python.options import PythonOptions
from entrepot_python.pip_config import import_pip_config
from entrepot_python.pip_index import ask_pip
from entrepot_python.publisher import SimplePublisher
from entrepot_python.selection import parse_selection
from entrepot_python.take_distribution import TakeDistribution


@hookimpl
def entrepot_register_content_types() -> Sequence[type[Content]]:
    """A project, and a file of a project."""
    return [PythonProject, PythonFile]


@hookimpl
def entrepot_register_first_stages() -> Sequence[FirstStage]:
    """Repositories of type `python` are read from a simple index, by default that of pip."""
    importer = Importer("pip-config", import_pip_config, told="Each index that pip on this machine is configured with.")
    return [
        FirstStage(
            "python",
            make=_first_stage,
            options=PythonOptions,
            default_url=ask_pip,
            pulls=asked_for,
            intake=Intake(lambda _: TakeDistribution()),
            importers=[importer],
        )
    ]


@hookimpl
def entrepot_register_publishers() -> Sequence[Publisher]:
    """They are published as a simple index again."""
    return [Publisher("python", make=_publisher, version="3", usage=_usage, combining=COMBINING)]


def _first_stage(context: RunContext) -> MirrorProjects | MirrorClosure:
    selection = parse_selection(context.options, pull_through=context.pull_through)
    kind = MirrorClosure if context.options.dependencies else MirrorProjects
    return kind(context.remote, selection)


def _publisher(context: RunContext) -> SimplePublisher:
    options = context.options
    return SimplePublisher(legacy=options.legacy_json, base_url=folder_url(options.base_url))


def _usage(url: str) -> str:
    return f"pip install --index-url {url.rstrip('/')}/simple/ PROJECT"
