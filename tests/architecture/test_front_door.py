"""What plugin authors import: these names are promised, and a change of the list is a decision."""

from __future__ import annotations

import difflib
import re
import types
from collections import Counter
from pathlib import Path

import pytest

import entrepot.plugin
import public_names
from public_names import MODULES, PublicName
from source_tree import ROOT, files

SNAPSHOT = Path(__file__).parent / "front_door.txt"
TOLD_IN = ("README.md", "docs/how-to", "docs/explanation", "docs/tutorial", "plugin_examples")
NAMES: dict[str, list[PublicName]] = {module: public_names.public_names(module) for module in MODULES}
#: An import of ours, on one line or in brackets, and a dotted path to a name, in Python or in prose.
IMPORT = re.compile(r"^ *from (entrepot(?:\.\w+)*) import (?:\(([^)]*)\)|(.+))$", re.MULTILINE)
DOTTED = re.compile(r"\b(entrepot\.(?:plugin|testing)(?:\.[a-z_]+)*)\.([A-Z]\w+)")

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


def test_nothing_that_is_promised_changes_unnoticed() -> None:
    """Names, signatures, members and their types are those that were written down."""
    written, found = SNAPSHOT.read_text(encoding="utf-8"), public_names.snapshot()

    changed = "\n".join(difflib.unified_diff(written.splitlines(), found.splitlines(), "promised", "found", n=0))
    assert written == found, (
        f"{changed}\nWhere plugins go on working with this, write it down, and commit that too:"
        f" python docs/reference/public_names.py > {SNAPSHOT.relative_to(ROOT)}"
    )


@pytest.mark.parametrize("one", [one for names in NAMES.values() for one in names], ids=lambda one: one.name)
def test_whatever_is_promised_is_explained(one: PublicName) -> None:
    """An editor that hovers over a promised name, or over what can be called of it, has something to show."""
    called = [member for member in one.members if member.kind in ("function", "coroutine")]

    assert one.says
    assert [member.name for member in called if not member.says] == []


def test_whatever_is_promised_says_its_types() -> None:
    """Type checkers believe what is written there; that all is written, mypy sees to."""
    called = [each for names in NAMES.values() for one in names for each in (one, *one.members)]

    assert (ROOT / "core/entrepot/py.typed").exists()
    assert [one.name for one in called if one.kind in ("function", "coroutine") and " -> " not in one.signature] == []


def test_every_promised_name_has_one_place() -> None:
    """It is imported from there, and nowhere else."""
    counted = Counter(one.name for names in NAMES.values() for one in names)

    assert [name for name, places in counted.items() if places > 1] == []


def test_pages_and_examples_know_one_way_to_each_name() -> None:
    """Whoever copies a line has imported what is promised, from where it is promised."""
    promised = {(module, one.name) for module, names in NAMES.items() for one in names}
    promised |= {tuple(module.rsplit(".", 1)) for module in MODULES}  # type: ignore[misc]  # two parts each
    paths = [
        path for place in TOLD_IN for path in ([ROOT / place] if (ROOT / place).is_file() else files(ROOT / place))
    ]
    told = {
        (path.relative_to(ROOT).as_posix(), module, name)
        for path in paths
        if path.suffix in (".md", ".py")
        for module, name in names_told(path.read_text(encoding="utf-8"))
    }

    assert len(told) > 100
    assert sorted((where, module, name) for where, module, name in told if (module, name) not in promised) == []


def names_told(text: str) -> set[tuple[str, str]]:
    """Whatever a page or a module imports of ours, or names with dots."""
    imported = {
        (module, name.split(" as ")[0].strip())
        for module, several, one in IMPORT.findall(text)
        for name in (several or one).split(",")
        if name.strip()
    }
    return imported | set(DOTTED.findall(text))
