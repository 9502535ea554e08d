"""What an import brings along, asked of a fresh interpreter each time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from entrepot.catalog.catalog import Catalog
from source_tree import ROOT, core_modules

HEAVY = {"aiohttp", "alembic", "cattrs", "click", "psycopg", "rich", "sqlalchemy", "tomlkit"}
"""What a plugin author, or somebody asking for `--help`, should not wait for."""

LOADED = """
import importlib, json, sys
for name in {names}:
    importlib.import_module(name)
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""

WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""

NOTHING_AMBIENT = """
import asyncio, os, socket, threading

def refuse(*args, **kwargs):
    raise AssertionError("an import started something")

asyncio.new_event_loop = asyncio.get_event_loop = refuse
socket.socket.connect = socket.socket.bind = refuse
threading.Thread.start = refuse
"""


def run(script: str, folder: Path) -> str:
    """Run a script where there is no configuration, no home and no entrepot in the environment."""
    environment = {
        "HOME": str(folder),
        "PATH": "/nowhere",
        "PYTHONPATH": str(ROOT / "core"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def names_below(room: str) -> list[str]:
    """List the modules of a room, the room itself first."""
    return [module.name for module in core_modules() if f"{module.name}.".startswith(f"{room}.")]


def test_the_front_door_loads_no_database_and_no_network(tmp_path: Path) -> None:
    """A plugin is imported before anybody knows whether it will be used: that must be quick."""
    loaded = set(json.loads(run(LOADED.format(names=["entrepot.plugin"]), tmp_path)))

    assert loaded & HEAVY == set()


def test_the_command_line_loads_nothing_heavy_for_its_help(tmp_path: Path) -> None:
    """`entrepot --help` answers without the database, the network and the progress bars."""
    script = f"import sys; sys.argv = ['entrepot', '--help']\n{HELP}"
    loaded = set(json.loads(run(script, tmp_path).splitlines()[-1]))

    assert loaded & {"aiohttp", "alembic", "psycopg", "sqlalchemy"} == set()


HELP = """
import json
try:
    from entrepot.cli.main import main
    main()
except SystemExit as end:
    assert not end.code, end.code
print()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize("room", ["entrepot.model", "entrepot.pipeline", "entrepot.errors", "entrepot.events"])
def test_the_lower_rooms_work_where_nothing_heavy_is_installed(room: str, tmp_path: Path) -> None:
    """What we talk about, and how it flows, needs neither database nor network nor plugins."""
    script = WITHOUT.format(absent=HEAVY | {"pluggy"}) + LOADED.format(names=names_below(room))

    assert "entrepot" in json.loads(run(script, tmp_path))


def test_everything_can_be_imported_with_no_configuration_and_no_event_loop(tmp_path: Path) -> None:
    """Importing opens nothing, starts nothing, reads no settings and writes no file."""
    names = [module.name for module in core_modules() if not module.name.endswith("__main__")]

    loaded = json.loads(run(NOTHING_AMBIENT + LOADED.format(names=names), tmp_path))

    assert "entrepot" in loaded
    assert list(tmp_path.iterdir()) == []


DEPOT = """
import json, sys
from pathlib import Path
import entrepot.depot
from entrepot.catalog.catalog import Catalog
catalog = Catalog.open("sqlite:///catalog.sqlite", locks=Path("locks"))
assert catalog.reader.repositories() == []
catalog.close()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_a_depot_on_sqlite_does_without_what_servers_and_migrations_need(tmp_path: Path) -> None:
    """Importing SQLAlchemy would take a quarter of the start of every command."""
    Catalog.open(f"sqlite:///{tmp_path / 'catalog.sqlite'}", locks=tmp_path / "locks", create=True).close()

    assert set(json.loads(run(DEPOT, tmp_path))) & {"alembic", "psycopg", "sqlalchemy"} == set()
