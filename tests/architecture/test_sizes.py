"""Small on purpose: at the limit, a file is split by idea."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator

from source_tree import ROOT, Module, modules_below, product_modules

LONGEST_MODULE = 350
LONGEST_TEST = 400
MEDIAN_MODULE = 150
LONGEST_FUNCTION = 40
MEDIAN_FUNCTION = 8
MOST_ARGUMENTS = 5
MOST_BY_POSITION = 2

SIGNATURES_OF_THE_STAGES_API = {"Artifact", "DeclarativeArtifact", "DeclarativeContent", "DeclarativeVersion"}
"""These are promised as they are; everybody else names their arguments."""


def length(module: Module) -> int:
    """Count the lines as an editor does."""
    return len(module.text.splitlines())


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count from `def` to the last line, without the docstring."""
    first = function.body[0]
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if ast.get_docstring(function) else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def test_no_module_is_longer_than_can_be_read_at_a_sitting() -> None:
    """A module has at most 350 lines; a test's may have a few more, for its cases lie side by side."""
    product = {module.place: length(module) for module in product_modules()}
    tests = {module.place: length(module) for module in modules_below(ROOT / "tests")}

    assert {place: lines for place, lines in product.items() if lines > LONGEST_MODULE} == {}
    assert {place: lines for place, lines in tests.items() if lines > LONGEST_TEST} == {}


def test_half_of_all_modules_are_short() -> None:
    """The median module has at most 150 lines."""
    lengths = [length(module) for module in product_modules()]

    assert statistics.median(lengths) <= MEDIAN_MODULE


def test_no_function_is_longer_than_a_screen() -> None:
    """A function has at most 40 lines, its docstring left out: explaining costs nothing."""
    written = [(module.place, function) for module in product_modules() for function in module.functions()]

    assert {f"{place}:{f.name}": lines(f) for place, f in written if lines(f) > LONGEST_FUNCTION} == {}


def test_half_of_all_functions_are_a_few_lines() -> None:
    """The median function has at most 8 lines."""
    lengths = [lines(function) for module in product_modules() for function in module.functions()]

    assert statistics.median(lengths) <= MEDIAN_FUNCTION


def test_a_constructor_asks_for_little_and_by_name() -> None:
    """A written constructor has at most five arguments, keyword-only past the second.

    Errors may name more by position: they are made in one line, where they are raised.
    """
    too_greedy = {}
    for module in product_modules():
        most_by_position = MOST_ARGUMENTS if module.name.endswith(".errors") else MOST_BY_POSITION
        for name, constructor in constructors(module):
            by_position, by_name = len(constructor.args.args) - 1, len(constructor.args.kwonlyargs)
            if by_position > most_by_position or by_position + by_name > MOST_ARGUMENTS:
                too_greedy[f"{module.place}:{name}"] = (by_position, by_name)

    assert too_greedy == {}


def constructors(module: Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the classes of a module that have an `__init__` which somebody wrote."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef) and node.name not in SIGNATURES_OF_THE_STAGES_API:
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                    yield node.name, item
