"""What downloading costs on top of aiohttp alone: small and large files from nginx on loopback.

    python tests/benchmarks/download.py [--runs 3] [--small 20000] [--large 64] [--uvloop]

Bare aiohttp and `Downloads` take turns within each run, in this process; medians are printed. "hash"
drops the bytes after hashing, "write" also writes them to files; nothing is synced to the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import aiohttp

sys.path.insert(0, str(Path(__file__).parent))

import origin
from entrepot.download.downloads import Downloads
from entrepot.download.http import HttpFetcher
from entrepot.download.scratch import ScratchReceiver
from entrepot.model.artifact import Artifact
from entrepot.model.digest import Digest
from entrepot.model.incoming import Receiver
from entrepot.model.remote import Politeness, Remote
from entrepot.model.verification import Verification

_CHUNK = 256 * 1024


class File(NamedTuple):
    """A line of the manifest."""

    url: str
    artifact: Artifact


class Took(NamedTuple):
    """Seconds: on the clock, and of this process's work. The second bears a busy machine better."""

    wall: float
    cpu: float


class Dropping:
    """Hashes and verifies, and keeps nothing."""

    def __init__(self, expected: Artifact) -> None:
        self._verification = Verification(expected)

    @property
    def written(self) -> int:
        return self._verification.count

    @property
    def size(self) -> int:
        return self._verification.count

    @property
    def sha256(self) -> bytes:
        return b""

    @property
    def digests(self) -> tuple[Digest, ...]:
        return ()

    @property
    def path(self) -> Path:
        return Path()

    def content(self) -> bytes:
        return b""

    def write(self, data: bytes | memoryview) -> None:
        self._verification.update(data)

    def restart(self) -> None:
        self._verification.restart()

    def finish(self) -> Dropping:
        self._verification.finish()
        return self

    def discard(self) -> None:
        pass


class DroppingReceiver:
    """Receives to nowhere."""

    def receive(self, expected: Artifact) -> Dropping:
        return Dropping(expected)


async def with_aiohttp(files: list[File], at_once: int, mode: str, folder: Path) -> None:
    """Do the same with aiohttp and nothing else."""
    waiting = iter(enumerate(files))
    connector = aiohttp.TCPConnector(limit=at_once)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False, read_bufsize=_CHUNK) as session:

        async def worker() -> None:
            for number, file in waiting:
                digest = hashlib.sha256()
                out = (folder / str(number)).open("wb") if mode == "write" else None
                async with session.get(file.url) as reply:
                    async for chunk in reply.content.iter_any():
                        if mode != "read":
                            digest.update(chunk)
                        if out is not None:
                            out.write(chunk)
                if out is not None:
                    out.close()

        await asyncio.gather(*(worker() for _ in range(at_once)))


async def with_downloads(files: list[File], at_once: int, mode: str, folder: Path) -> None:
    """Fetch through all of our limits and checks."""
    remote = Remote(files[0].url, politeness=Politeness(concurrency=at_once))
    receiver: Receiver = ScratchReceiver(folder) if mode == "write" else DroppingReceiver()
    waiting = iter(files)
    async with Downloads(fetchers={"http": HttpFetcher}) as downloads:

        async def worker() -> None:
            for file in waiting:
                await downloads.fetch(remote, (file.url,), file.artifact, receiver)

        await asyncio.gather(*(worker() for _ in range(at_once)))


Way = Callable[[list[File], int, str, Path], Awaitable[None]]
CASES: list[tuple[str, Way, str]] = [
    ("aiohttp, read", with_aiohttp, "read"),
    ("aiohttp, hash", with_aiohttp, "hash"),
    ("Downloads, hash", with_downloads, "hash"),
    ("aiohttp, hash and write", with_aiohttp, "write"),
    ("Downloads, hash and write", with_downloads, "write"),
]


def files_of(manifest: Path, url: str) -> Iterator[File]:
    """Read what is to be downloaded."""
    for line in manifest.read_text().splitlines():
        path, digest, size = line.split(",")
        yield File(f"{url}/{path}", Artifact(sha256=digest, size=int(size)))


def measure(way: Way, files: list[File], at_once: int, mode: str, *, loops: asyncio.Runner) -> Took:
    """Run one case into a new folder, and say how long it took, and how much of a processor."""
    folder = Path(tempfile.mkdtemp(prefix="entrepot-bench-"))
    try:
        began, used = time.perf_counter(), time.process_time()
        loops.run(_awaited(way, files, at_once, mode, folder))
        return Took(time.perf_counter() - began, time.process_time() - used)
    finally:
        shutil.rmtree(folder)


async def _awaited(way: Way, files: list[File], at_once: int, mode: str, folder: Path) -> None:
    await way(files, at_once, mode, folder)


def table(files: list[File], at_once: int, runs: int, factory: Callable[[], asyncio.AbstractEventLoop] | None) -> None:
    """Print a line for each case."""
    took: dict[str, list[Took]] = {name: [] for name, *_ in CASES}
    with asyncio.Runner(loop_factory=factory) as loops:
        for _ in range(runs):
            for name, way, mode in CASES:
                took[name].append(measure(way, files, at_once, mode, loops=loops))
    total = sum(file.artifact.size or 0 for file in files)
    for name, times in took.items():
        wall = statistics.median(time.wall for time in times)
        cpu = statistics.median(time.cpu for time in times)
        print(
            f"  {name:28} {len(files) / wall:8,.0f} files/s {total / wall / 1e6:7,.0f} MB/s"
            f" {cpu / len(files) * 1e6:10,.1f} us of processor a file"
        )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--small", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=64)
    parser.add_argument("--uvloop", action="store_true")
    asked = parser.parse_args()
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if asked.uvloop:
        import uvloop

        factory = uvloop.new_event_loop
    with tempfile.TemporaryDirectory(prefix="entrepot-bench-") as name:
        work = Path(name)
        work.chmod(0o755)  # nginx's worker may be another user
        kinds = [("small", asked.small, 4096, 50), ("large", asked.large, 16 * 1024 * 1024, 8)]
        for kind, count, size, _ in kinds:
            if count:
                origin.make_files(work / "origin" / kind, count=count, size=size)
        with origin.nginx(work / "origin", work / "run") as url:
            for kind, count, size, at_once in kinds:
                if count:
                    files = list(files_of(work / "origin" / kind / "PULP_MANIFEST", f"{url}/{kind}"))
                    print(f"{kind}: {count} files of {size} bytes, {at_once} at once")
                    table(files, at_once, asked.runs, factory)


if __name__ == "__main__":
    main()
