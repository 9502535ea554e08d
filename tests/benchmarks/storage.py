"""What making files durable costs beside a bare loop that does no more than it must.

    python tests/benchmarks/storage.py [--runs 3] [--files 10000] [--large 24] [--folder DIR]

Bare: write, fsync and rename each file, in eight threads, and sync each folder once at the end; no
digest is computed and nothing is looked at. In each run every case has its turn, in a folder of its
own. All folders go at the end: where files were just removed, ext4 is slow to make new ones.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from entrepot.model.artifact import Artifact
from entrepot.model.incoming import Received
from entrepot.storage.filesystem import FilesystemStorage

_THREADS = 8
_BATCH = 2000
_SMALL, _LARGE = 4096, 16 * 1024**2


class Took(NamedTuple):
    """Seconds: on the clock, and of this process's work. The second bears a busy machine better."""

    wall: float
    cpu: float


class Body(NamedTuple):
    """Bytes, and what an upstream declares of them."""

    content: bytes
    artifact: Artifact


@contextmanager
def timed(into: list[Took]) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    into.append(Took(time.perf_counter() - wall, time.process_time() - cpu))


def bodies(count: int, size: int) -> list[Body]:
    """Files that all differ."""
    die = random.Random(size)
    made = []
    for _ in range(count):
        content = die.randbytes(64) * (size // 64)
        made.append(Body(content, Artifact(sha256=hashlib.sha256(content).hexdigest(), size=size)))
    return made


def bare(files: Sequence[Body], folder: Path, took: list[Took]) -> None:
    """Write, fsync, rename; then the folders."""
    for number in range(256):
        (folder / f"{number:02x}").mkdir(parents=True)

    def write(part: Sequence[Body]) -> None:
        for file in part:
            digest = file.artifact.sha256 or ""
            temporary = f"{folder}/{digest}"
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(handle, file.content)
            os.fsync(handle)
            os.close(handle)
            os.rename(temporary, f"{folder}/{digest[:2]}/{digest[2:]}")

    with timed(took), ThreadPoolExecutor(_THREADS) as threads:
        for start in range(0, len(files), _BATCH):
            batch = files[start : start + _BATCH]
            list(threads.map(write, [batch[part::_THREADS] for part in range(_THREADS)]))
            list(threads.map(sync_folder, [f"{folder}/{number:02x}" for number in range(256)]))


def sync_folder(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def kept(files: Sequence[Body], folder: Path, took: list[Took], *, sync: Literal["auto", "each"] = "auto") -> None:
    """`keep` alone: what came in before is not counted."""
    with closing(FilesystemStorage(folder, sync=sync)) as storage:
        storage.prepare()
        came_in = [receive(storage, file) for file in files]
        with timed(took):
            for start in range(0, len(came_in), _BATCH):
                storage.keep(came_in[start : start + _BATCH])


def received(files: Sequence[Body], folder: Path, took: list[Took]) -> None:
    """Take in, hash and verify, without keeping."""
    with closing(FilesystemStorage(folder)) as storage:
        storage.prepare()
        with timed(took):
            came_in = [receive(storage, file) for file in files]
        for one in came_in:
            one.discard()


def received_and_kept(files: Sequence[Body], folder: Path, took: list[Took]) -> None:
    """All of it, a few files at a time."""
    with closing(FilesystemStorage(folder)) as storage:
        storage.prepare()
        with timed(took):
            for start in range(0, len(files), 4):
                storage.keep([receive(storage, file) for file in files[start : start + 4]])


def receive(storage: FilesystemStorage, file: Body) -> Received:
    incoming = storage.receive(file.artifact)
    view = memoryview(file.content)
    for start in range(0, len(view), 256 * 1024):
        incoming.write(view[start : start + 256 * 1024])
    return incoming.finish()


def found(files: Sequence[Body], folder: Path, took: list[Took]) -> None:
    """Verify all that stands there, as after an unclean end."""
    kept(files, folder, [])
    with closing(FilesystemStorage(folder)) as storage, timed(took):
        if None in storage.find([bytes.fromhex(file.artifact.sha256 or "") for file in files]):
            raise SystemExit("a file that was kept was not found")


Case = Callable[[Sequence[Body], Path, list[Took]], None]
SMALL: dict[str, Case] = {
    "bare: write, fsync, rename, 8 threads": bare,
    "keep, the faster way": kept,
    "keep, syncing each file": lambda files, folder, took: kept(files, folder, took, sync="each"),
    "receive, without keeping": received,
    "find and verify": found,
}
LARGE: dict[str, Case] = {
    "bare: write, fsync, rename, 8 threads": bare,
    "receive and keep": received_and_kept,
    "receive, without keeping": received,
}


def measure(cases: dict[str, Case], files: Sequence[Body], folder: Path, runs: int) -> dict[str, list[Took]]:
    took: dict[str, list[Took]] = {name: [] for name in cases}
    for run in range(runs):
        for name, case in cases.items():
            case(files, folder / f"{len(files)}-{run}-{list(cases).index(name)}", took[name])
    return took


def show(title: str, took: dict[str, list[Took]], amount: float, unit: str) -> None:
    """Print medians, and the ratio to the first case."""
    first = statistics.median(one.wall for one in next(iter(took.values())))
    print(f"\n{title}\n")
    print(f"| case | median {unit}/s | min-max | of bare | CPU s |\n|---|--:|--:|--:|--:|")
    for name, runs in took.items():
        walls = sorted(one.wall for one in runs)
        middle, cpu = statistics.median(walls), statistics.median(one.cpu for one in runs)
        span = f"{amount / walls[-1]:,.0f}-{amount / walls[0]:,.0f}"
        print(f"| {name} | {amount / middle:,.0f} | {span} | {first / middle:.2f} | {cpu:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=24)
    parser.add_argument("--folder", type=Path, default=None, help="where to measure; a disk, not memory")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="entrepot-storage-", dir=options.folder))
    try:
        small = measure(SMALL, bodies(options.files, _SMALL), folder, options.runs)
        show(f"{options.files} files of 4 KiB", small, options.files, "files")
        large = measure(LARGE, bodies(options.large, _LARGE), folder, options.runs)
        show(f"{options.large} files of 16 MiB", large, options.large * _LARGE / 1e6, "MB")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
