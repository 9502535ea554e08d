"""One word per room, one idea per file, and the words of the house."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from source_tree import CORE, Module, core_modules, example_folders, files, product_modules

SAY_NOTHING = {"base", "common", "core", "helper", "helpers", "misc", "shared", "stuff", "util", "utils"}
SUPPRESSION = re.compile(
    r"#\s*(?:noqa|type:\s*ignore)(?P<code>[:\[]\s*[A-Za-z0-9, -]+\]?)?(?P<reason>.*)$", re.MULTILINE
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
FILLER = re.compile(r"^(This|The) (class|function|method|module|stage|test|fixture)\b")
LONGEST_FIRST_LINE = 100


def docstrings(module: Module) -> list[str]:
    """Collect the docstrings of a module, its classes and its functions."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    nodes = [node for node in ast.walk(module.tree) if isinstance(node, documented)]
    return [docstring for node in nodes if (docstring := ast.get_docstring(node))]


@pytest.mark.parametrize("root", [CORE, *example_folders()], ids=lambda root: root.name)
def test_no_file_or_folder_has_a_name_that_says_nothing(root: Path) -> None:
    """What a file holds is told by its name; a drawer for the rest is not opened."""
    named = {part for path in files(root) for part in path.relative_to(root).with_suffix("").parts}

    assert named & SAY_NOTHING == set()


@pytest.mark.parametrize("module", core_modules(), ids=lambda module: module.place)
def test_a_stage_and_its_file_share_a_name(module: Module) -> None:
    """`QueryExistingArtifacts` is found in `query_existing_artifacts.py`, alone."""
    in_room = module.name.startswith("entrepot.stages.")
    stages = [node.name for node in module.tree.body if in_room and isinstance(node, ast.ClassDef) and _is_stage(node)]
    as_file = [re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in stages]

    assert as_file in ([], [module.path.stem])


def _is_stage(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).rpartition(".")[2] == "Stage" for base in node.bases)


@pytest.mark.parametrize("module", product_modules(), ids=lambda module: module.place)
def test_nothing_is_left_to_be_done(module: Module) -> None:
    """What is not built is said in the README; code that is here is whole."""
    assert UNFINISHED.findall(module.text) == []


@pytest.mark.parametrize("module", product_modules(), ids=lambda module: module.place)
def test_whoever_silences_a_checker_says_which_rule_and_why(module: Module) -> None:
    """The reason stands on the same line."""
    silent = [
        found.group(0)
        for found in SUPPRESSION.finditer(module.text)
        if not found["code"] or not re.search(r"\w+ \w+", found["reason"])
    ]

    assert silent == []


@pytest.mark.parametrize("module", product_modules(), ids=lambda module: module.place)
def test_every_module_says_what_it_is_for(module: Module) -> None:
    """The first line of each module tells its idea."""
    assert ast.get_docstring(module.tree)


@pytest.mark.parametrize("module", product_modules(), ids=lambda module: module.place)
def test_a_docstring_starts_with_what_the_reader_wants_to_know(module: Module) -> None:
    """Its first line is short, and does not begin by saying that a class is a class."""
    first_lines = [docstring.splitlines()[0] for docstring in docstrings(module)]

    assert [line for line in first_lines if len(line) > LONGEST_FIRST_LINE or FILLER.match(line)] == []
