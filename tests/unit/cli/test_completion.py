"""Completion in the shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from source_tree import ROOT

MAIN = "from entrepot.cli.main import main; main()"

CONFIGURATION = """
[repositories.tools]
type = "file"
[repositories.toys]
type = "file"
[repositories.other]
type = "file"
"""


def complete(folder: Path, line: str) -> list[str]:
    """Ask as bash does: the words so far, the last one unfinished."""
    words = line.split(" ")
    environment = {
        "PYTHONPATH": str(ROOT / "core"),
        "PATH": "/nowhere",
        "HOME": str(folder),
        "_ENTREPOT_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", MAIN],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return [entry.partition(",")[2] for entry in done.stdout.split()]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("entrepot sy", ["sync"]),
        ("entrepot st", ["status", "stages"]),
        ("entrepot sync to", ["tools", "toys"]),
        ("entrepot sync tools ", ["other", "tools", "toys"]),
        ("entrepot versions ot", ["other"]),
        ("entrepot add --po", ["--policy"]),
    ],
)
def test_names_are_completed(tmp_path: Path, line: str, offered: list[str]) -> None:
    """Commands, options, and the repositories of the configuration."""
    (tmp_path / "entrepot.toml").write_text(CONFIGURATION)

    assert complete(tmp_path, line) == offered


def test_a_broken_configuration_completes_nothing_and_says_nothing(tmp_path: Path) -> None:
    """An error in the middle of typing would be in the way."""
    (tmp_path / "entrepot.toml").write_text("[depot")

    assert complete(tmp_path, "entrepot sync to") == []
    assert complete(tmp_path, "entrepot sy") == ["sync"]
