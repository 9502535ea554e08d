"""Who may import whom, beyond what import-linter's contracts can say."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from source_tree import Module, core_modules, example_folders, example_modules, modules_below

ENVIRONMENT_IS_READ_IN = ("entrepot.settings", "entrepot.depot", "entrepot.cli", "entrepot.testing", "entrepot.builtin")
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv"}
SOCKETS_ARE_OPENED_IN = ("entrepot.download", "entrepot.serve", "entrepot.testing")
SOCKET_OPENERS = {
    "asyncio.create_datagram_endpoint",
    "asyncio.open_connection",
    "asyncio.open_unix_connection",
    "asyncio.start_server",
    "asyncio.start_unix_server",
    "urllib.request.urlopen",
    "urllib.request.build_opener",
}


def dependencies(modules: list[Module]) -> dict[str, set[str]]:
    """Map each module's name to the names of those of the same list that it imports."""
    names = {module.name for module in modules}

    def known(imported: str) -> Iterator[str]:
        parent = imported.rpartition(".")[0]
        yield from (name for name in (imported, parent) if name in names)

    return {
        module.name: {next(known(name), module.name) for name in module.imports()} - {module.name} for module in modules
    }


def dotted_names(module: Module) -> set[str]:
    """Collect every name that the module spells with dots, such as `os.environ`."""
    return {ast.unparse(node) for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}


def belongs_to(module: Module, rooms: tuple[str, ...]) -> bool:
    """Whether a module is one of the rooms named, or lies in one."""
    return any(module.name == room or module.name.startswith(f"{room}.") for room in rooms)


@pytest.mark.parametrize("modules", [core_modules(), example_modules()], ids=["core", "examples"])
def test_imports_have_no_cycle(modules: list[Module]) -> None:
    """Any file can be understood after those it imports."""
    graph = dependencies(modules)

    assert graph
    graphlib.TopologicalSorter(graph).prepare()


def test_an_example_plugin_comes_in_by_the_front_door() -> None:
    """What an example needs of entrepot, everybody may import."""
    imported = {(module.place, name) for module in example_modules() for name in module.imports()}
    ours = {(place, name) for place, name in imported if name.partition(".")[0] == "entrepot"}

    assert ours
    assert {(place, name) for place, name in ours if not name.startswith("entrepot.plugin.")} == set()


@pytest.mark.parametrize("folder", example_folders(), ids=lambda folder: folder.name)
def test_the_tests_of_an_example_use_the_front_door_and_the_kit(folder: Path) -> None:
    """What it takes to test a plugin, everybody may import."""
    modules = modules_below(folder / "tests")
    through = {name for module in modules for name in module.imports() if name.partition(".")[0] == "entrepot"}

    assert modules
    assert {name for name in through if not name.startswith(("entrepot.plugin.", "entrepot.testing"))} == set()


def test_the_environment_is_read_above_the_depot_alone() -> None:
    """What is below the depot is told what it needs; it looks nothing up."""
    readers = {module.place for module in core_modules() if dotted_names(module) & ENVIRONMENT}
    allowed = {module.place for module in core_modules() if belongs_to(module, ENVIRONMENT_IS_READ_IN)}

    assert readers - allowed == set()


def test_connections_are_opened_in_three_rooms_alone() -> None:
    """The standard library has side doors to the network that no import gives away."""
    openers = {module.place for module in core_modules() if dotted_names(module) & SOCKET_OPENERS}
    allowed = {module.place for module in core_modules() if belongs_to(module, SOCKETS_ARE_OPENED_IN)}

    assert openers - allowed == set()


def test_nothing_changes_a_name_of_its_module() -> None:
    """A module holds no state: two depots in one process share nothing.

    The switch of the failpoints is one for the whole process: see decision 0020.
    """
    modules = core_modules() + example_modules()
    changing = [m.place for m in modules if any(isinstance(node, ast.Global) for node in ast.walk(m.tree))]

    assert changing == ["core/entrepot/failpoints.py"]
