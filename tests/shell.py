"""A shell to type commands into, and an upstream for them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import firmware_plugin
from entrepot.cli.invocation import Invocation
from entrepot.cli.main import run
from installed_plugins import install
from source_tree import ROOT


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines; anything else fails."""
        return [json.loads(line) for line in self.out.splitlines()]


class Shell:
    """Types commands, with the firmware plugin at hand and nothing else installed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.environ = {"HOME": str(folder), "ENTREPOT_HOME": str(folder / "home")}
        self.plugins: list[tuple[str, object]] = [("firmware", firmware_plugin)]
        self._capsys = capsys

    def __call__(self, *words: str) -> Done:
        """Run one command line."""
        self._capsys.readouterr()
        invocation = Invocation(environ=self.environ, plugins_handed_in=self.plugins, installed=False)
        code = run(words, invocation)
        out, err = self._capsys.readouterr()
        return Done(code, out, err)

    @property
    def configuration(self) -> Path:
        """The file that `entrepot init` writes here."""
        return self.folder / "entrepot.toml"


class Feed:
    """An upstream of firmware in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.url = (folder / "index.json").as_uri()
        self.offer({})

    def offer(self, images: Mapping[str, str], *, notes: Mapping[str, str] | None = None) -> None:
        """Offer images by name and text, and nothing else."""
        entries = []
        for name, text in images.items():
            (self.folder / f"{name}.bin").write_text(text)
            digest = hashlib.sha256(text.encode()).hexdigest()
            entry = {"name": name, "file": f"{name}.bin", "sha256": digest, "size": len(text.encode())}
            entries.append({**entry, "note": (notes or {}).get(name, "")})
        (self.folder / "index.json").write_text(json.dumps(entries))


class Program:
    """The real program in processes of its own, with the firmware plugin installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        install(folder / "site", "firmware", "", points=[("firmware", "firmware_plugin")])

    def start(self, *words: str, **how: Any) -> subprocess.Popen[str]:
        """Start a command; stdout and stderr are pipes unless said otherwise."""
        paths = [self.folder / "site", ROOT / "core", ROOT / "tests"]
        environment = {
            "PYTHONPATH": ":".join(map(str, paths)),
            "HOME": str(self.folder),
            "ENTREPOT_HOME": str(self.folder / "home"),
            "PATH": "/nowhere",
        }
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
        command = [sys.executable, "-c", "from entrepot.cli.main import main; main()", *words]
        return subprocess.Popen(command, cwd=self.folder, env=environment, text=True, **pipes)
