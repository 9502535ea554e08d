"""Which tests say that they inject a fault or prove a promise: read from the source, nothing is run."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

import attrs

from source_tree import CORE, EXAMPLES, ROOT, Module, modules_below

KINDS = ("fault", "promise")

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@attrs.frozen(order=True)
class Marked:
    """A test, and one id that it carries."""

    kind: str
    id: str
    place: str
    test: str

    @property
    def sentence(self) -> str:
        """The name of the test, as the sentence that it is."""
        return self.test.removeprefix("test_").replace("_", " ")


@functools.cache
def marked_tests() -> tuple[Marked, ...]:
    """Every mark of every test: ours, those of the examples, and those of the contracts in the kit."""
    roots = [ROOT / "tests", CORE / "testing", *sorted(EXAMPLES.glob("*/tests"))]
    found = {mark for root in roots for module in modules_below(root) for mark in marks_of(module)}
    return tuple(sorted(found))


def marks_of(module: Module) -> Iterator[Marked]:
    """Yield the marks of one module: on a test, its class, its cases, or a table of cases that it names."""
    tables = {
        target.id: statement.value
        for statement in module.tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None
        for target in (statement.targets if isinstance(statement, ast.Assign) else [statement.target])
        if isinstance(target, ast.Name)
    }
    everywhere = [tables["pytestmark"]] if "pytestmark" in tables else []
    for test, decorators in _tests(module.tree.body, everywhere):
        for decorator in decorators:
            for kind, id_ in _ids(decorator, tables):
                yield Marked(kind, id_, module.place, test.name)


def _tests(body: list[ast.stmt], above: list[ast.expr]) -> Iterator[tuple[_Function, list[ast.expr]]]:
    for node in body:
        if isinstance(node, _Function) and node.name.startswith("test_"):
            yield node, [*above, *node.decorator_list]
        elif isinstance(node, ast.ClassDef):
            yield from _tests(node.body, [*above, *node.decorator_list])


def _ids(expression: ast.expr, tables: dict[str, ast.expr]) -> Iterator[tuple[str, str]]:
    for node in ast.walk(expression):
        if isinstance(node, ast.Name) and node.id in tables and tables[node.id] is not expression:
            yield from _ids(tables[node.id], {name: value for name, value in tables.items() if name != node.id})
        elif isinstance(node, ast.Call) and _is_mark(node.func):
            kind = ast.unparse(node.func).rpartition(".")[2]
            yield from ((kind, ast.literal_eval(argument)) for argument in node.args)


def _is_mark(called: ast.expr) -> bool:
    return isinstance(called, ast.Attribute) and called.attr in KINDS and ast.unparse(called.value).endswith("mark")
