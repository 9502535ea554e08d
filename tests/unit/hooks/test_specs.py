"""The hooks as plugin authors read them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from entrepot.hooks import specs
from source_tree import ROOT

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
    text = inspect.getdoc(hook) or ""

    example = ROOT / text.partition("Example:")[2].split()[0]

    files = [example] if example.is_file() else sorted(example.rglob("*.py"))
    assert any(hook.__name__ in file.read_text() for file in files)


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
