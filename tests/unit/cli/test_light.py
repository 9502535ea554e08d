"""What `entrepot --help` and `entrepot plugins` load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from installed_plugins import GOOD, install
from source_tree import ROOT

HEAVY = {"aiohttp", "alembic", "cattrs", "psycopg", "rich", "sqlalchemy", "tomlkit"}

SCRIPT = """
import sys
from entrepot.cli.main import main
try:
    main()
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
    print(*sys.path)
"""


@pytest.mark.parametrize("words", [["--help"], ["plugins"], ["plugins", "--json"]])
def test_neither_database_nor_network_is_loaded(tmp_path: Path, words: list[str]) -> None:
    """Plugins are imported, and what they import; everybody waits for that."""
    install(tmp_path / "site", "firmware", GOOD)
    (tmp_path / "entrepot.toml").write_text("[depot]\nblocked = []")
    environment = {
        "PYTHONPATH": f"{tmp_path / 'site'}:{ROOT / 'core'}",
        "HOME": str(tmp_path),
        "PATH": "/nowhere",
    }

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words], cwd=tmp_path, env=environment, capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip

    assert set(done.stderr.split()) & HEAVY == set()
    archives = [Path(place) for place in done.stdout.splitlines()[-1].split() if place.endswith(".zip")]
    assert [place for place in archives if not place.exists()] == []


def test_a_module_that_never_returns_ends_the_list_of_plugins(tmp_path: Path) -> None:
    """Also one that the plugin itself imports only where it is needed: whose it is is told, and how to go on."""
    install(tmp_path / "site", "slow-plugin", "", points=[("slow", "slow_plugin.plugin")])
    (tmp_path / "site" / "slow_plugin.py").unlink()
    (tmp_path / "site" / "slow_plugin").mkdir()
    (tmp_path / "site" / "slow_plugin" / "plugin.py").write_text(GOOD)
    (tmp_path / "site" / "slow_plugin" / "late.py").write_text("import time\ntime.sleep(1000)")
    (tmp_path / "entrepot.toml").write_text("[depot]\nload_timeout = 0.5\n")
    environment = {"PYTHONPATH": f"{tmp_path / 'site'}:{ROOT / 'core'}", "HOME": str(tmp_path), "PATH": "/nowhere"}

    done = subprocess.run(
        [sys.executable, "-m", "entrepot", "plugins"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode != 0
    assert "plugin 'slow' did not load within 0.5 s" in done.stderr
    assert "--block slow" in done.stderr
