"""The matrix for plugins of others is one that tox can read."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from entrepot.operations.new_plugin import new_plugin
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


def told(command: list[str], folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command, and return what it said."""
    surroundings = {**os.environ, **environ}
    return subprocess.run(
        command, cwd=folder, env=surroundings, capture_output=True, text=True, timeout=300, check=False
    )


def installed(environment: Path, distribution: str) -> Path:
    """The folder that says what a distribution is, in an environment of tox."""
    (found,) = environment.glob(f"lib/python*/site-packages/{distribution}-*.dist-info")
    return found


def version(information: Path) -> tuple[int, ...]:
    """The version that such a folder is named for."""
    return tuple(map(int, information.stem.partition("-")[2].split(".")))


@pytest.mark.sweep
@pytest.mark.slow
def test_a_plugin_is_tested_with_the_lowest_the_latest_and_what_comes(tmp_path: Path) -> None:
    """Each environment has what its name says, and runs the plugin's tests; entrepot comes from its wheel."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if uv is None:
        pytest.skip("uv is not installed here")
    built = told([uv, "build", "--quiet", "--wheel", "--out-dir", str(tmp_path / "wheels"), str(ROOT)], tmp_path)
    if built.returncode:
        pytest.skip(f"uv reaches no index from here: {built.stderr.strip()[-200:]}")
    folder = new_plugin("entrepot-mine", kind="stage", into=tmp_path, license_expression="Apache-2.0")
    shutil.copy(ROOT / "examples" / "plugin-matrix" / "tox.ini", folder)
    places = {which: f"py3{sys.version_info.minor}-{which}" for which in ("lowest", "latest", "main")}
    tox = [uv, "tool", "run", "--from", "tox", "--with", "tox-uv-bare", "tox", "run", "-e", ",".join(places.values())]

    ran = told([*tox, "--", "-q"], folder, UV_FIND_LINKS=str(tmp_path / "wheels"), ENTREPOT_MAIN=str(ROOT))

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(re.findall(r"\d+ passed", ran.stdout)) == len(places)
    made = {which: folder / ".tox" / place for which, place in places.items()}
    assert version(installed(made["lowest"], "attrs")) < version(installed(made["latest"], "attrs"))
    # Only what was installed from a folder or a repository says where it came from.
    assert {which for which, place in made.items() if (installed(place, "entrepot") / "direct_url.json").exists()} == {
        "main"
    }
