"""One word per room, one idea per file, and the words of the house."""

from __future__ import annotations

import ast
import re

from source_tree import CORE, ROOT, Module, core_modules, example_folders, files, product_modules

SAY_NOTHING = {"base", "common", "core", "helper", "helpers", "misc", "shared", "stuff", "util", "utils"}
SUPPRESSION = re.compile(
    r"#\s*(?:noqa(?P<rule>:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type:\s*ignore(?P<error>\[[a-z, -]+\])?)(?P<reason>.*)$",
    re.MULTILINE,
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|raise NotImplementedError)\b")
FILLER = re.compile(r"^(This|The) (class|function|method|module|stage|test|fixture)\b")
LONGEST_FIRST_LINE = 100


def docstrings(module: Module) -> list[str]:
    """Collect the docstrings of a module, its classes and its functions."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    nodes = [node for node in ast.walk(module.tree) if isinstance(node, documented)]
    return [docstring for node in nodes if (docstring := ast.get_docstring(node))]


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    """What a file holds is told by its name; a drawer for the rest is not opened."""
    named = {
        path.relative_to(ROOT).as_posix(): {*path.relative_to(root).with_suffix("").parts}
        for root in (CORE, *example_folders())
        for path in files(root)
    }

    assert [place for place, parts in named.items() if parts & SAY_NOTHING] == []


def test_a_stage_and_its_file_share_a_name() -> None:
    """`QueryExistingArtifacts` is found in `query_existing_artifacts.py`, alone."""
    stages = {module.path.stem: stages_of(module) for module in core_modules() if ".stages." in module.name}
    as_files = {
        stem: [re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in found] for stem, found in stages.items()
    }

    assert any(as_files.values())
    assert {stem: found for stem, found in as_files.items() if found not in ([], [stem])} == {}


def snake_case(name: str) -> str:
    """Spell a class's name as a file's."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def stages_of(module: Module) -> list[str]:
    """Name the classes of a module that are stages, by their bases."""
    classes = [node for node in module.tree.body if isinstance(node, ast.ClassDef)]
    return [node.name for node in classes if any(ast.unparse(base).endswith("Stage") for base in node.bases)]


def test_nothing_is_left_to_be_done() -> None:
    """What is not built is said in the README; code that is here is whole."""
    assert {module.place: found for module in product_modules() if (found := UNFINISHED.findall(module.text))} == {}


def test_whoever_silences_a_checker_says_which_rule_and_why() -> None:
    """The reason stands on the same line."""
    silent = [
        (module.place, found.group(0))
        for module in product_modules()
        for found in SUPPRESSION.finditer(module.text)
        if not (found["rule"] or found["error"]) or not re.search(r"\w+ \w+", found["reason"])
    ]

    assert silent == []


def test_every_module_says_what_it_is_for() -> None:
    """The first line of each module tells its idea."""
    assert [module.place for module in product_modules() if not ast.get_docstring(module.tree)] == []


def test_a_docstring_starts_with_what_the_reader_wants_to_know() -> None:
    """Its first line is short, and does not begin by saying that a class is a class."""
    first_lines = [(module.place, text.splitlines()[0]) for module in product_modules() for text in docstrings(module)]

    assert [told for told in first_lines if len(told[1]) > LONGEST_FIRST_LINE or FILLER.match(told[1])] == []
