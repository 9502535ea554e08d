"""The lines that programs read have the keys that are written down, whichever command writes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from drawer_plugin import Drawer
from entrepot.cli.lines import failed_line
from shell import Feed, Shell
from source_tree import ROOT

_ROW = re.compile(r"\| `(?P<event>[a-z-]+)` \| (?P<commands>[^|]+) \| (?P<keys>[^|]+) \|")
PAGE = ROOT / "docs" / "reference" / "json-lines.md"

#: Written by a server, by what cannot go on, by doctor about failpoints, and of units that a plugin judges.
NOT_HERE = {"serving", "error", "failpoint", "refused", "remark", "foreign", "unmended"}


def written_down() -> dict[str, tuple[set[str], set[str]]]:
    """For each event the keys that it always has, and those that it may have."""
    found = {}
    for row in map(_ROW.fullmatch, PAGE.read_text(encoding="utf-8").splitlines()):
        if row is not None:
            keys = [key.strip() for key in row["keys"].split(",")]
            always = {key for key in keys if not key.startswith("(")}
            found[row["event"]] = (always, {key.strip("()") for key in keys})
    return found


@pytest.fixture
def lines(ready: Shell, feed: Feed, tmp_path: Path) -> list[dict[str, Any]]:
    """All that a day's commands write."""
    said: list[dict[str, Any]] = []
    ready.plugins.append(("drawer", Drawer()))

    def typed(*words: str) -> None:
        said.extend(ready(*words, "--json").lines)

    typed("init")
    typed("new-plugin", "entrepot-lamps", "--into", str(tmp_path))
    typed("add", "more", "--type", "firmware", "--url", feed.url)
    ready.configuration.write_text(ready.configuration.read_text().replace("[repositories.more]", _SKIPPING, 1))
    (feed.folder / "beta.bin").rename(tmp_path / "away")
    typed("sync", "more")
    typed("show", "more@1")
    typed("trace", "more")
    typed("show", "more", "--options")
    typed("why", "more", "beta")
    typed("why", "more", "bela")
    (tmp_path / "away").rename(feed.folder / "beta.bin")
    typed("sync", "more", "--retry-failed")
    typed("sync", "more", "--retry-failed")
    for words in (("versions", "more"), ("status",), ("doctor",), ("diff", "more@1", "more@2"), ("verify",)):
        typed(*words)
    typed("export", "more", "--static", str(tmp_path / "tree"))
    for name in ("mine", "yours"):
        typed("add", name, "--type", "drawer", "--set", "uploads=true")
        (tmp_path / name).write_text(name)
        typed("upload", name, str(tmp_path / name), "--path", "note")
    typed("withdraw", "mine", "note")
    typed("upload", "mine", str(tmp_path / "mine"), "--path", "note")
    typed("combine", "all", "mine", "yours")
    typed("shadowed", "all")
    typed("status")
    damaged = next(path for path in ready.folder.rglob("*") if path.is_file() and path.read_bytes() == b"one")
    damaged.chmod(0o644)
    damaged.write_bytes(b"two")
    for words in (("verify",), ("repair",), ("prune", "--keep", "1")):
        typed(*words)
    return said


_SKIPPING = '[repositories.more]\non_error = "skip"'


def test_each_line_has_the_keys_that_are_written_down(lines: list[dict[str, Any]]) -> None:
    """No more, no fewer; an event that nobody wrote down is one too many, one that never comes too."""
    pages = written_down()

    for line in lines:
        always, known = pages[line["event"]]
        assert always <= line.keys() - {"event"} <= known, line
    assert {line["event"] for line in lines} == pages.keys() - NOT_HERE


def test_a_failed_unit_looks_the_same_from_every_command(lines: list[dict[str, Any]]) -> None:
    """While it happens, in the version that lacks it, and in the run's own rows."""
    while_it_happens, of_the_version, of_the_run = [line for line in lines if line["event"] == "failed"]

    assert while_it_happens == of_the_version
    assert of_the_run.pop("error") != while_it_happens.pop("error")
    assert of_the_run == while_it_happens


def test_what_an_older_version_did_not_report_is_none() -> None:
    """Reports are kept as they were written."""
    assert failed_line("tools", {"key": "a"})["scope"] is None
