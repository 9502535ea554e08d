"""The hooks as plugin authors read them."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entrepot.hooks import specs
from hooks_page import hooks_page
from pages import Page
from source_tree import EXAMPLES, ROOT, files

HEADINGS = ["When", "Who", "Return", "Fails", "Don't", "Example"]
VERBS = ["register", "make", "edit", "on"]
HOOKS: list[Callable[..., Any]] = [value for name, value in vars(specs).items() if name.startswith("entrepot_")]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_every_hook_is_explained_under_the_same_headings(hook: Callable[..., Any]) -> None:
    """When, who, what to return, what fails, what not to do, and where to see it: in this order."""
    text = inspect.getdoc(hook) or ""

    assert re.findall(r"^([A-Z][a-z']+):  +\S", text, re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_every_hook_shows_an_answer_with_arguments_that_it_is_given(hook: Callable[..., Any]) -> None:
    """What an author copies is accepted."""
    text = inspect.getdoc(hook) or ""

    shown = re.search(rf">>> def {hook.__name__}\((.*)\):", text)

    assert shown
    assert set(filter(None, shown[1].split(", "))) <= set(inspect.signature(hook).parameters)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_every_hook_leads_to_an_answer_that_works(hook: Callable[..., Any]) -> None:
    """What the last heading names is there, and answers the hook."""
    assert answers(ROOT / example_of(hook), hook.__name__)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_a_hook_that_an_example_plugin_answers_leads_there(hook: Callable[..., Any]) -> None:
    """A whole distribution shows more than a test does, or a page."""
    whole = [folder for folder in sorted(EXAMPLES.iterdir()) if answers(folder / "src", hook.__name__)]

    assert not whole or ROOT / example_of(hook) in whole


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_every_hook_is_tested(hook: Callable[..., Any]) -> None:
    """Some test has a plugin that answers it, written there or made of its name."""
    assert hook.__name__ in names_in_tests()


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_every_hook_is_in_the_reference(hook: Callable[..., Any]) -> None:
    """With its arguments, and all that its specification says."""
    arguments = ", ".join(inspect.signature(hook).parameters)

    section = hooks_page().partition(f"## {hook.__name__}\n")[2].partition("\n## ")[0]

    assert f"`{hook.__name__}({arguments})`" in section
    assert [heading for heading in HEADINGS if f"\n{heading}:" not in section] == []


def example_of(hook: Callable[..., Any]) -> str:
    """The path under the last heading."""
    return (inspect.getdoc(hook) or "").partition("Example:")[2].split()[0]


def answers(place: Path, hook: str) -> bool:
    """Whether a file, or one of a folder, has a function of that name which is marked as an answer."""
    paths = [place] if place.is_file() else sorted(place.rglob("*.py"))
    return any(hook in answered(path) for path in paths)


@functools.cache
def answered(path: Path) -> frozenset[str]:
    """The functions with `@hookimpl` in a module, or in the Python of a page."""
    text = path.read_text(encoding="utf-8")
    sources = (
        [block.text for block in Page(path).blocks if block.language == "python"] if path.suffix == ".md" else [text]
    )
    nodes = [node for source in sources for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return frozenset(node.name for node in nodes if "hookimpl" in map(ast.unparse, node.decorator_list))


@functools.cache
def names_in_tests() -> frozenset[str]:
    """Functions and whole strings in the modules that hold tests, this one left out."""
    paths = [path for path in files(ROOT / "tests") if path.name.startswith("test_") and path.suffix == ".py"]
    nodes = [node for path in paths if path != Path(__file__) for node in ast.walk(ast.parse(path.read_text()))]
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    return frozenset(
        functions | {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    )


def test_hooks_stand_in_the_order_in_which_they_are_called() -> None:
    """Register, edit, then told; a verb tells what a plugin may do."""
    verbs = [hook.__name__.split("_")[1] for hook in HOOKS]

    assert set(verbs) <= set(VERBS)
    assert verbs == sorted(verbs, key=VERBS.index)


def test_there_are_fewer_than_a_dozen_hooks() -> None:
    """One can know them all."""
    assert 0 < len(HOOKS) < 12


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
def test_no_hook_hands_over_a_unit(hook: Callable[..., Any]) -> None:
    """Hooks are asked at the edge, once; work on units is a stage's."""
    assert set(inspect.signature(hook).parameters) <= {"plan", "context", "outcome", "group"}
