"""What plugin authors import: these names are promised, and a change of the list is a decision."""

from __future__ import annotations

import inspect
import types

import pytest

import entrepot.plugin

PROMISED = {
    "Artifact",
    "ArtifactDownloader",
    "ArtifactSaver",
    "Content",
    "ContentAssociation",
    "ContentSaver",
    "ContentUnassociation",
    "DeclarativeArtifact",
    "DeclarativeContent",
    "DeclarativeVersion",
    "EndStage",
    "Fact",
    "FirstStage",
    "Publisher",
    "QueryExistingArtifacts",
    "QueryExistingContents",
    "Remote",
    "RemoteArtifactSaver",
    "Repository",
    "RepositoryVersion",
    "ResolveContentFutures",
    "Stage",
    "after",
    "before",
    "create_pipeline",
    "derived",
    "facts",
    "hookimpl",
    "indexed",
    "key",
    "move_after",
    "move_before",
    "remove",
    "replace",
}


def test_every_promised_name_comes_in_by_the_front_door() -> None:
    """What the Stages API names, `from entrepot.plugin import ...` finds."""
    assert set(entrepot.plugin.__all__) >= PROMISED


def test_the_front_door_lists_what_it_has() -> None:
    """The list is whole, in order, and names nothing that is not there."""
    public = {
        name
        for name, value in vars(entrepot.plugin).items()
        if not name.startswith("_") and name != "annotations" and not _is_submodule(value)
    }

    assert list(entrepot.plugin.__all__) == sorted(entrepot.plugin.__all__)
    assert public | {"facts"} == set(entrepot.plugin.__all__)


def _is_submodule(value: object) -> bool:
    return isinstance(value, types.ModuleType)


@pytest.mark.parametrize("name", sorted(entrepot.plugin.__all__))
def test_whatever_is_promised_is_explained(name: str) -> None:
    """An editor that hovers over a promised name has something to show."""
    promised = getattr(entrepot.plugin, name)

    assert inspect.getdoc(promised) or not (inspect.isclass(promised) or inspect.isroutine(promised))
