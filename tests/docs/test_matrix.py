"""The matrix for plugins of others is one that tox can read."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from source_tree import ROOT


@pytest.mark.slow
def test_tox_reads_the_matrix_for_plugins(tmp_path: Path) -> None:
    """Each Python comes with each entrepot; what is asked of one environment alone is asked of it alone."""
    if importlib.util.find_spec("tox") is None:
        pytest.skip("tox is not installed here")
    text = (ROOT / "examples" / "plugin-matrix" / "tox.ini").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if "requires" not in line and "uv>=" not in line]
    (tmp_path / "tox.ini").write_text("\n".join(kept), encoding="utf-8")
    command = [sys.executable, "-m", "tox", "config", "-c", str(tmp_path / "tox.ini"), "-k", "commands_pre", "set_env"]

    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, cwd=tmp_path).stdout

    sections = {part.partition("]")[0]: part for part in shown.split("[testenv:")[1:]}
    assert len(sections) == 4 * 3
    assert {name for name, part in sections.items() if "lowest-direct" in part} == {
        f"py3{minor}-lowest" for minor in (11, 12, 13, 14)
    }
    assert {name for name, part in sections.items() if "uv pip install" in part} == {
        f"py3{minor}-main" for minor in (11, 12, 13, 14)
    }
