"""The checkout as the architecture's tests read it: files, modules, imports, never run."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "core" / "entrepot"
EXAMPLES = ROOT / "plugin_examples"

_MADE_BY_TOOLS = {"__pycache__", "_build", "build", "dist", "generated", "node_modules"}
_HIDDEN_BUT_OURS = {".ci", ".gitignore", ".importlinter"}


def files(root: Path = ROOT) -> Iterator[Path]:
    """Yield what somebody wrote: nothing hidden, nothing that a tool made."""
    for path in sorted(root.iterdir()):
        if path.name in _MADE_BY_TOOLS or (path.name.startswith(".") and path.name not in _HIDDEN_BUT_OURS):
            continue
        if path.is_dir():
            yield from files(path)
        elif path.suffix not in {".pyc", ".pyo"}:
            yield path


@attrs.frozen
class Module:
    """One Python file, parsed."""

    path: Path
    name: str

    @functools.cached_property
    def text(self) -> str:
        """The source as it was written."""
        return self.path.read_text(encoding="utf-8")

    @functools.cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the source."""
        return ast.parse(self.text, filename=str(self.path))

    @property
    def place(self) -> str:
        """The path as a person would type it at the root of the checkout."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def is_package(self) -> bool:
        """Whether other modules lie below this one."""
        return self.path.name == "__init__.py"

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield every function and method, nested ones too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def imports(self) -> Iterator[str]:
        """Yield the full name of everything imported, except what only a type checker sees.

        `from a import b` is told as `a.b`: whether that is a module is for the reader to know.
        """
        for node in _run_time_nodes(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (f"{self._origin(node)}.{alias.name}" for alias in node.names)

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        here = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*here, *([node.module] if node.module else [])])


def _run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for otherwise in child.orelse:
                yield from _run_time_nodes(otherwise)
            continue
        yield child
        yield from _run_time_nodes(child)


def modules_below(root: Path, package: str = "") -> list[Module]:
    """Parse every Python file below a folder, named as it would be imported."""
    found = []
    for path in files(root):
        if path.suffix == ".py":
            parts = [*package.split("."), *path.relative_to(root).with_suffix("").parts]
            found.append(Module(path, ".".join(part for part in parts if part not in ("", "__init__"))))
    return found


@functools.cache
def core_modules() -> list[Module]:
    """Every module of the distribution `entrepot`, parsed once for all tests."""
    return modules_below(CORE, "entrepot")


def example_folders() -> list[Path]:
    """Every example plugin: a folder with a `pyproject.toml` of its own."""
    return sorted(path.parent for path in EXAMPLES.glob("*/pyproject.toml"))


@functools.cache
def example_modules() -> list[Module]:
    """Every module that an example plugin installs."""
    return [module for folder in example_folders() for module in modules_below(folder / "src")]


def product_modules() -> list[Module]:
    """Everything that people install."""
    return core_modules() + example_modules()
