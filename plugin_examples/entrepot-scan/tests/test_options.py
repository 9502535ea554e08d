"""Options that would scan nothing, or call it clean."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from entrepot.plugin import ConfigurationError
from entrepot_scan.options import ScanOptions, check


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"command": ("{path}",)}, "instead of a program"),
        ({"command": ("scan", "{path}", "{paths}")}, "twice"),
        ({"command": ("scan", "x{paths}")}, "an argument of its own"),
        ({"command": (), "max_size": 10}, "name no command"),
        ({"quarantine": Path("here")}, "no whole path"),
        ({"infected": ()}, "infected is empty"),
        ({"infected": (0, 1)}, "which means clean"),
        ({"parallel": 0}, "parallel and batch"),
        ({"batch": 0}, "parallel and batch"),
        ({"quarantine_files": -1}, "parallel and batch"),
        ({"timeout": datetime.timedelta()}, "timeout is nothing"),
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, Any], named: str) -> None:
    """Before anything is fetched, with what to write."""
    with pytest.raises(ConfigurationError, match=named) as caught:
        check(ScanOptions(**{"command": ("clamdscan", "{path}"), **said}))

    assert caught.value.remedy


@pytest.mark.parametrize(
    "command", [("clamdscan", "--fdpass", "{path}"), ("scan", "{paths}"), ("scan",), ("a", "-f={path}")]
)
def test_what_can_be_meant_is_taken(command: tuple[str, ...]) -> None:
    """One file, many, standard input, or a part of an argument."""
    check(ScanOptions(command))
