"""A shell in a folder of its own, with an upstream of firmware at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from drawer_plugin import Drawer
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
def ours(shell: Shell) -> Shell:
    """A shell where `ours` takes notes of one's own, of 1,000 bytes at most; two of them are at hand."""
    shell.plugins.append(("drawer", Drawer()))
    assert shell("init").code == 0
    (shell.folder / "one.txt").write_text("one")
    (shell.folder / "two.txt").write_text("two")
    with (shell.folder / "entrepot.toml").open("a") as file:
        file.write('\n[repositories.ours]\ntype = "drawer"\nuploads = true\nupload_limit = 1000\n')
    return shell


@pytest.fixture
def program(ready: Shell) -> Program:
    """The program in the folder of the shell that is ready."""
    return Program(ready.folder)
