"""What a plugin brought."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot.operations.plugins import brought
from installed_plugins import GOOD, found_in, importable, install

STAGE = """
from entrepot.plugin import Stage

class {name}(Stage):
    async def run(self):
        async for unit in self.items():
            await self.put(unit)
"""


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Let the next test import what it wrote."""
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "slow_plugin"]:
        del sys.modules[name]


def test_stages_that_a_plugin_imports_late_are_listed(tmp_path: Path) -> None:
    """Also beside a module that cannot be imported; none that runs as a program is begun by the list."""
    install(tmp_path, "slow-plugin", "", points=[("slow", "slow_plugin.plugin")])
    (tmp_path / "slow_plugin.py").unlink()
    folder = tmp_path / "slow_plugin"
    (folder / "deep").mkdir(parents=True)
    (folder / "broken").mkdir()
    (folder / "__init__.py").touch()
    (folder / "plugin.py").write_text(GOOD)
    (folder / "late.py").write_text(STAGE.format(name="Late"))
    (folder / "deep" / "__init__.py").touch()
    (folder / "deep" / "later.py").write_text(STAGE.format(name="Later"))
    (folder / "broken" / "__init__.py").write_text("import no_such_module")
    (folder / "ending.py").write_text("raise SystemExit('imported')")
    (folder / "leaving").mkdir()
    (folder / "leaving" / "__init__.py").write_text("raise SystemExit('imported')")
    (folder / "__main__.py").write_text("raise SystemExit('begun')")

    plugins = found_in(tmp_path)
    with importable(tmp_path):
        assert "slow_plugin.late" not in sys.modules
        assert brought(plugins, "slow").stages == ("Late", "Later")
