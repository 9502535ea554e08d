"""Every error is a page of help: what, where, and a remedy one can type."""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
import inspect
import typing

import attrs
import pytest

from entrepot.errors import EntrepotError
from source_tree import Module, core_modules, example_modules, product_modules

EXIT_CODES = {1, 2, 3, 4, 5, 130}

EXAMPLES: dict[object, object] = {
    int: 7,
    float: 1.5,
    bytes: b"an example",
    bool: True,
    str: "an example",
    BaseException: ValueError("an example"),
    Exception: ValueError("an example"),
}


@attrs.frozen
class ErrorClass:
    """An error as it is written in the source; imported by the test that needs it, not before."""

    module: str
    name: str

    def load(self) -> type[EntrepotError]:
        """Import the class."""
        error: type[EntrepotError] = getattr(importlib.import_module(self.module), self.name)
        return error


@functools.cache
def every_error() -> list[ErrorClass]:
    """Find every class of the core that descends from the root, by the names of its bases."""
    written = {
        node.name: (module.name, {ast.unparse(base).rpartition(".")[2] for base in node.bases})
        for module in core_modules()
        for node in module.tree.body
        if isinstance(node, ast.ClassDef)
    }
    ours = {"EntrepotError"}
    while more := {name for name, (_, bases) in written.items() if bases & ours} - ours:
        ours |= more
    return [ErrorClass(written[name][0], name) for name in sorted(ours)]


def example_of(annotation: object) -> object:
    """Make up an argument of the type that a constructor asks for."""
    if annotation in EXAMPLES:
        return EXAMPLES[annotation]
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is not None and inner:
        if type(None) in inner:
            return example_of(next(part for part in inner if part is not type(None)))
        if isinstance(origin, type) and issubclass(origin, typing.Mapping):
            return {example_of(inner[0]): example_of(inner[1])}
        if isinstance(origin, type) and issubclass(origin, typing.Iterable):
            return [example_of(inner[0])]
        return example_of(inner[0])
    supertype = getattr(annotation, "__supertype__", None)
    return example_of(supertype) if supertype else "an example"


def make(error: type[EntrepotError]) -> EntrepotError:
    """Make an error with every argument filled in."""
    hints = typing.get_type_hints(error.__init__, vars(importlib.import_module(error.__module__)))
    positional, by_name = [], {}
    for parameter in list(inspect.signature(error.__init__).parameters.values())[1:]:
        value = example_of(hints.get(parameter.name, str))
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            by_name[parameter.name] = value
        else:
            positional.append(value)
    return error(*positional, **by_name)  # type: ignore[arg-type]  # made up to fit its own annotations


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.name)
def test_every_error_can_be_made_and_printed(error: ErrorClass) -> None:
    """Showing an error never fails, and says at least what happened."""
    made = make(error.load())

    assert made.what
    assert made.what in str(made)
    assert made.exit_code in EXIT_CODES


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.name)
def test_every_error_says_where_and_what_to_do_in_lines_of_their_own(error: ErrorClass) -> None:
    """A place added on the way up stands first; nothing that was said before is lost."""
    made = make(error.load())
    before = made.where

    made.at("the outermost place")

    assert made.where.startswith("the outermost place")
    assert before in made.where
    assert "\n  where:  the outermost place" in str(made)
    assert not made.remedy or f"\n  remedy: {made.remedy}" in str(made)


@pytest.mark.parametrize("error", every_error(), ids=lambda error: error.name)
def test_every_error_says_in_its_docstring_when_it_is_raised(error: ErrorClass) -> None:
    """The reference page of errors is made of these lines."""
    assert error.load().__doc__


def test_every_exception_of_ours_has_the_one_root() -> None:
    """Whoever catches `EntrepotError` catches all that entrepot says on purpose."""
    classes = {name: value for name, value in vars(builtins).items() if inspect.isclass(value)}
    foreign = {name for name, value in classes.items() if issubclass(value, Exception)}
    ours = {error.name for error in every_error()}
    strangers = [
        (module.place, node.name)
        for module in core_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and node.name not in ours
        if {ast.unparse(base) for base in node.bases} & foreign
    ]

    assert strangers == []


def raised_messages(module: Module) -> list[str]:
    """Collect the literal first words of what a module raises: `raise SomeError("what ...")`."""
    ours = {error.name for error in every_error()}
    messages = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ours and node.args:
            match node.args[0]:
                case ast.Constant(value=str() as text):
                    messages.append(text)
                case ast.JoinedStr(values=[ast.Constant(value=str() as start), *_, ast.Constant(value=str() as end)]):
                    messages.append(start + end)
                case ast.JoinedStr(values=[ast.Constant(value=str() as start), *_]):
                    messages.append(start)
    return messages


def test_what_happened_is_told_in_lower_case_and_without_a_full_stop() -> None:
    """A message is the middle of a sentence: `error: ` stands before it."""
    told = [(module.place, text) for module in product_modules() for text in raised_messages(module)]

    assert told
    assert [said for said in told if said[1][:2].istitle() or said[1].rstrip().endswith((".", "!"))] == []


def test_nothing_is_asserted_of_a_user() -> None:
    """`assert` goes away under `python -O`; what a user did wrong is an error with a remedy."""
    modules = [module for module in core_modules() + example_modules() if ".testing" not in module.name]

    assert [m.place for m in modules if any(isinstance(node, ast.Assert) for node in ast.walk(m.tree))] == []
