"""A test that rolled dice and failed says how to roll them again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from source_tree import ROOT, modules_below

ROLLING = """
from __future__ import annotations

from hypothesis import given, settings, strategies as st


def test_rolls(dice):
    assert dice.random() > 2


def test_keeps_calm():
    assert False


@settings(database=None)
@given(st.integers())
def test_guesses(number):
    assert number < 1000
"""


def outcome_of(tmp_path: Path, **environment: str) -> str:
    """Run tests that fail, with what every test here has, and return what pytest says of them."""
    (tmp_path / "test_rolling.py").write_text(ROLLING)
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), **environment}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=tmp_path)
    return ended.stdout


@pytest.mark.promise("P40")
def test_a_random_test_that_fails_prints_its_seed_and_one_command_that_repeats_it(tmp_path: Path) -> None:
    """The command can be typed as it stands; a test that rolls nothing says nothing."""
    told = outcome_of(tmp_path, ENTREPOT_TEST_SEED="4711")

    assert "ENTREPOT_TEST_SEED=4711 python -m pytest test_rolling.py::test_rolls\n" in told
    assert "\npython -m pytest test_rolling.py::test_guesses\n" in told
    assert told.count("repeat it with") == 2


@pytest.mark.promise("P40")
def test_no_test_rolls_dice_that_nobody_can_roll_again() -> None:
    """Chance comes from a generator that was given a seed, never from the module's own."""
    unseeded = [
        f"{module.place}: {name}"
        for module in modules_below(ROOT / "tests")
        for name in module.imports()
        if name.startswith("random.") and name != "random.Random"
    ]
    used = [
        module.place
        for module in modules_below(ROOT / "tests")
        if module.path != Path(__file__) and any(call in module.text for call in (" random.random()", "Random()"))
    ]

    assert unseeded == []
    assert used == []
