"""One depot with a server in a process of its own, beside which sloppy plugins are tried."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import tomlkit

from installed_plugins import install
from source_tree import ROOT

#: Seconds: every limit that a case sets, what is given to clean up, and a slow machine.
LONGEST = 90


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    def lines(self) -> list[dict[str, Any]]:
        """What it said to programs."""
        return [json.loads(line) for line in self.out.splitlines()]


class Bench:
    """Serves one image that is asked for again and again, until it is closed; `waits` are seconds."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.waits: list[float] = []
        self.failures: list[str] = []
        self._over = threading.Event()
        install(folder / "good", "firmware", "", points=[("firmware", "integration.firmware")])
        self.feed = published(folder / "upstream")
        assert self.run("served", "init").code == 0
        assert self.run("served", "sync").code == 0
        self._serving = self._start(self.configured("served", {}), "serve", "--port", "0")
        assert self._serving.stdout is not None
        self._url = self._serving.stdout.readline().removeprefix("serving ").strip().rstrip("/")
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def install(self, name: str, **plugins: str) -> Path:
        """Put plugins where an installer would, into a folder that only some commands see."""
        site = self.folder / name
        for plugin, code in plugins.items():
            install(site, plugin, code)
        return site

    def configured(self, repository: str, limits: Mapping[str, float]) -> Path:
        """Write a configuration for one repository of the depot that all share."""
        file = self.folder / f"{repository}.toml"
        depot = {"home": str(self.home), **{f"{name}_timeout": value for name, value in limits.items()}}
        tables = {repository: {"type": "firmware", "url": self.feed}}
        file.write_text(tomlkit.dumps({"depot": depot, "repositories": tables}))
        return file

    def run(
        self, repository: str, *words: str, site: Path | None = None, limits: Mapping[str, float] | None = None
    ) -> Done:
        """Run a command to its end; what does not come to it is killed, and fails the test."""
        process = self._start(self.configured(repository, limits or {}), *words, site=site)
        try:
            out, err = process.communicate(timeout=LONGEST)
        finally:
            process.kill()
        return Done(process.returncode, out, err)

    def close(self) -> None:
        """Stop reading, then the server."""
        self._over.set()
        self._reader.join()
        self._serving.send_signal(signal.SIGTERM)
        self._serving.communicate(timeout=LONGEST)

    def p99(self) -> float:
        """The wait that one request of a hundred exceeds."""
        waits = sorted(self.waits)
        return waits[math.ceil(len(waits) * 0.99) - 1]

    def _start(self, configuration: Path, *words: str, site: Path | None = None) -> subprocess.Popen[str]:
        path = [*([site] if site is not None else []), self.folder / "good", ROOT / "core", ROOT / "tests"]
        return subprocess.Popen(
            [sys.executable, "-m", "entrepot", "--config", str(configuration), *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _read(self) -> None:
        while not self._over.wait(0.02):
            began = time.monotonic()
            try:
                with urllib.request.urlopen(f"{self._url}/served/image-1", timeout=LONGEST) as answer:
                    body = answer.read()
            except OSError as error:
                body = repr(error).encode()
            self.waits.append(time.monotonic() - began)
            if len(body) != len(body_of(1)):
                self.failures.append(repr(body[:100]))


def body_of(number: int) -> bytes:
    """What an image holds."""
    return bytes([number]) * 1000


def published(folder: Path) -> str:
    """Lay out three images and their list, and give the list's URL."""
    folder.mkdir()
    listed = []
    for number in range(3):
        (folder / f"image-{number}").write_bytes(body_of(number))
        sha = sha256(body_of(number)).hexdigest()
        listed.append({"name": f"image-{number}", "sha256": sha, "size": 1000, "file": f"image-{number}"})
    (folder / "feed.json").write_text(json.dumps(listed))
    return (folder / "feed.json").as_uri()
