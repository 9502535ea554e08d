"""A shell in a folder of its own, with an upstream of firmware at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from shell import Feed, Program, Shell


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell in an empty folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Shell(folder, capsys)


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    """An upstream with two images."""
    made = Feed(tmp_path / "upstream")
    made.offer({"alpha": "one", "beta": "two"})
    return made


@pytest.fixture
def ready(shell: Shell, feed: Feed) -> Shell:
    """A shell where repository `tools` is configured and was never synced."""
    assert shell("init").code == 0
    assert shell("add", "tools", "--type", "firmware", "--url", feed.url).code == 0
    return shell


@pytest.fixture
def program(ready: Shell) -> Program:
    """The program in the folder of the shell that is ready."""
    return Program(ready.folder)
