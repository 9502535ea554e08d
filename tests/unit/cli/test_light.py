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
