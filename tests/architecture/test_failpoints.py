"""Every durable step can be made to fail, so that the sweep of the failpoints misses none."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

import pytest

from entrepot.failpoints import FAILPOINTS
from source_tree import Module, core_modules

ROOMS = ("storage", "catalog", "depot", "settings")

#: Calls by their last name; a `Path`'s `replace` takes one argument, a text's takes two.
STEPS = {"rename", "link", "hardlink_to", "symlink_to", "unlink", "remove", "rmdir", "rmtree", "fsync", "fdatasync"}
STEPS |= {"syncfs", "commit", "truncate", "ftruncate"}

#: Lock files hold no more than who holds them, and memory nothing that outlives its process.
EXEMPT = {("leases.py", "take"), ("memory.py", "close")}


def durable(call: ast.Call) -> bool:
    """Whether a call changes what is durable, other than through a `Disk`, whose methods have failpoints."""
    *_, name = ast.unparse(call.func).split(".")
    owner = ast.unparse(call.func).rpartition(".")[0]
    if owner.endswith(("disk", "shelf")):
        return False
    if name in {"execute", "exec_driver_sql"} and call.args and isinstance(call.args[0], ast.Constant):
        return str(call.args[0].value).upper().startswith("COMMIT")
    if name == "replace":
        return owner == "os" or (len(call.args) == 1 and not call.keywords)
    if name == "remove" and owner != "os":
        return False
    return name in STEPS


def calls(function: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of a function in the order of the source, without those of functions within."""
    for child in ast.iter_child_nodes(function):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from calls(child)


def bare_steps(tree: ast.AST) -> list[tuple[str, int]]:
    """Name the functions, and lines, of durable steps before which no failpoint of their own stands."""
    bare = []
    scopes = [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))]
    for scope in scopes:
        guarded = False
        for call in sorted(calls(scope), key=lambda call: (call.lineno, call.col_offset)):
            if ast.unparse(call.func) == "failpoint":
                guarded = True
            elif durable(call):
                if not guarded:
                    bare.append((getattr(scope, "name", "the module"), call.lineno))
                guarded = False
    return bare


def named_failpoints(module: Module) -> Iterator[str]:
    """Yield the text that each call of `failpoint` in a module is given."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoint":
            (name,) = node.args
            assert isinstance(name, ast.Constant), f"{module.place}:{node.lineno} names no failpoint a reader can find"
            yield str(name.value)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.fault("C01")
def test_every_durable_step_has_a_failpoint(room: str) -> None:
    """What is renamed, linked, removed, synced or committed can fail there, in the sweep too."""
    modules = [module for module in core_modules() if module.name.startswith(f"entrepot.{room}")]

    bare = {
        f"{module.place}:{line} in {function}"
        for module in modules
        for function, line in bare_steps(module.tree)
        if (module.path.name, function) not in EXEMPT
    }

    assert modules
    assert bare == set()


def test_every_failpoint_is_declared_and_stands_somewhere() -> None:
    """A name that stands nowhere would be swept in vain; one that is not declared would be listed nowhere."""
    used = Counter(name for module in core_modules() for name in named_failpoints(module))

    assert used.keys() == FAILPOINTS.keys()


def test_each_failpoint_stands_in_one_module_of_each_kind() -> None:
    """A name tells where it is; only the two kinds of database share theirs."""
    places: dict[str, list[str]] = {}
    for module in core_modules():
        for name in set(named_failpoints(module)):
            places.setdefault(name, []).append(module.path.name)

    shared = {name for name, found in places.items() if len(found) > 1}

    assert shared == {"catalog.create", "catalog.create.commit", "catalog.created"}
    assert all(name.split(".")[0] in ROOMS for name in places)


@pytest.mark.parametrize(
    "planted",
    [
        "def keep(self):\n    os.rename(a, b)",
        "def keep(self):\n    Path(a).replace(b)",
        "def keep(self):\n    failpoint('storage.link')\n    os.link(a, b)\n    os.unlink(a)",
        "def keep(self):\n    os.fsync(file)\n    failpoint('storage.sync')",
        "def keep(self):\n    connection.exec_driver_sql('COMMIT')",
        "def keep(self):\n    failpoint('catalog.commit')\n    def inner():\n        connection.commit()",
        "os.unlink(path)",
    ],
)
def test_a_durable_step_without_a_failpoint_is_found(planted: str) -> None:
    """The rule above must be able to fail: for each kind of step, in functions and outside, and for a second one."""
    assert bare_steps(ast.parse(planted))


@pytest.mark.parametrize(
    "harmless",
    [
        "def keep(self):\n    failpoint('storage.link')\n    os.link(a, b)",
        "def keep(self):\n    self._disk.unlink(path)",
        "def keep(self):\n    return text.replace('a', 'b')",
        "def keep(self):\n    names.remove(name)",
    ],
)
def test_what_is_not_durable_needs_no_failpoint(harmless: str) -> None:
    """Nobody is taught to write failpoints for nothing."""
    assert not bare_steps(ast.parse(harmless))
