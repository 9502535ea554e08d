"""The real program in a folder of its own, beside an upstream that the test's loop runs."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tomlkit

from installed_plugins import install
from source_tree import ROOT


class Ended(NamedTuple):
    """How a process ended."""

    code: int
    out: str
    err: str


class Program:
    """Starts `entrepot` in processes, with the firmware plugin that can be stubborn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.environ = {"HOME": str(folder), "ENTREPOT_HOME": str(self.home), "PATH": "/usr/bin:/bin"}
        folder.mkdir(parents=True, exist_ok=True)
        self._started: list[asyncio.subprocess.Process] = []
        install(folder / "site", "firmware", "", points=[("firmware", "integration.patience_plugin")])
        self.environ["PYTHONPATH"] = ":".join(map(str, (folder / "site", ROOT / "core", ROOT / "tests")))

    def configure(self, repositories: Mapping[str, Mapping[str, Any]], **depot: str) -> None:
        """Write the configuration; upstreams on loopback are allowed."""
        tables = {
            name: {"type": "firmware", "allow_private": True, "retries": 0, **table}
            for name, table in repositories.items()
        }
        (self.folder / "entrepot.toml").write_text(tomlkit.dumps({"depot": depot, "repositories": tables}))

    async def start(
        self, *words: str, under: tuple[str, ...] = (), stderr: int = asyncio.subprocess.PIPE
    ) -> asyncio.subprocess.Process:
        """Start a command, below another program if need be, with its errors to a pipe or a file of yours."""
        code = "from entrepot.cli.main import main; main()"
        process = await asyncio.create_subprocess_exec(
            *(*under, sys.executable, "-c", code, *words),
            cwd=self.folder,
            env=self.environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
        )
        self._started.append(process)
        return process

    async def close(self) -> None:
        """End what a test that failed midway left running."""
        for process in self._started:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    async def run(self, *words: str, under: tuple[str, ...] = ()) -> Ended:
        """Run a command to its end, a minute at most."""
        return await ended(await self.start(*words, under=under))

    async def serve(
        self, *words: str, under: tuple[str, ...] = (), stderr: int = asyncio.subprocess.PIPE
    ) -> tuple[asyncio.subprocess.Process, str]:
        """Start a server, and return it with its address, without a slash at the end."""
        process = await self.start("serve", "--port", "0", *words, under=under, stderr=stderr)
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        return process, line.removeprefix("serving ").strip().rstrip("/")

    def litter(self) -> list[str]:
        """Temporary files and scratch folders that lie about."""
        found = [*self.home.glob("scratch-*"), *self.home.glob("storage/tmp/*/*")]
        return [str(path.relative_to(self.home)) for path in found if path.is_dir() or path.stat().st_size]


async def ended(process: asyncio.subprocess.Process, seconds: float = 60) -> Ended:
    """Wait for the end; a process that does not come to it is killed, and fails the test."""
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def stopped(process: asyncio.subprocess.Process, number: signal.Signals = signal.SIGTERM) -> Ended:
    """Send a signal, and wait for the end."""
    process.send_signal(number)
    return await ended(process)
