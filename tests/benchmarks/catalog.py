"""What the catalog costs a sync, call by call: first time, unchanged, one changed, beside readers.

    python tests/benchmarks/catalog.py [--units 200000] [--batch 500] [--url postgresql+psycopg://...]

Without `--url` both a SQLite file and a PostgreSQL server of our own are measured. "wall" is what a
caller waits, "CPU" what the run's thread uses of this process: both in microseconds for each unit.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from entrepot.catalog.catalog import Catalog, RunRequest
from entrepot.catalog.ledger import RunLedger
from entrepot.model.content import ArtifactLink
from entrepot.model.digest import Digest
from entrepot.model.ledger import Member, Source, Statement
from postgres_server import running_server

REQUEST = RunRequest(repository="bench", type="file", private=False, mirror=True, plan_fingerprint="")


def statement(number: int, state: int = 0) -> Statement:
    """One line of a manifest, as a stage would hand it over."""
    digest = hashlib.sha256(b"%d %d" % (number, state)).digest()
    path = f"dir-{number // 1000:04d}/file-{number:07d}.bin"
    link = ArtifactLink(path, "sha256", digest, 4096)
    fields = f'{{"relative_path":"{path}","sha256":"{digest.hex()}","size":4096}}'.encode()
    return Statement("file.file", hashlib.sha256(digest).digest(), f'["file.file","{path}"]', fields, [link], [])


class Stopwatch:
    """Wall and CPU time by the name of a call."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    async def time(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        calls, cpu, start = self.catalog.statements.calls, time.process_time(), time.perf_counter()
        answer = await call()
        self.wall[name] = self.wall.get(name, 0) + time.perf_counter() - start
        self.cpu[name] = self.cpu.get(name, 0) + time.process_time() - cpu
        self.calls[name] = max(self.calls.get(name, 0), self.catalog.statements.calls - calls)
        return answer

    def tell(self, title: str, units: int) -> None:
        print(f"\n{title}: {units / sum(self.wall.values()):,.0f} units/s in all")
        for name, wall in self.wall.items():
            print(
                f"  {name:18} wall {wall / units * 1e6:6.2f} us  CPU {self.cpu[name] / units * 1e6:6.2f} us"
                f"  {wall:6.2f} s  at most {self.calls[name]} calls"
            )


async def sync(catalog: Catalog, title: str, batches: Callable[[], Iterator[list[Statement]]], units: int) -> None:
    """One run, batch after batch, with every call that stages make."""
    watch = Stopwatch(catalog)
    before = (catalog.statements.calls, catalog.statements.rows)
    ledger: RunLedger = await watch.time("begin", lambda: catalog.begin(REQUEST))
    for batch in batches():
        await _one_batch(watch, ledger, batch)
    await watch.time("remove_undeclared", ledger.remove_undeclared)
    await watch.time("unmet", ledger.unmet)
    await watch.time("path_clashes", ledger.path_clashes)
    changes = await watch.time("changes", ledger.changes)
    await watch.time("contents", lambda: _all_contents(ledger))
    await watch.time("paths", lambda: _all_paths(ledger))
    if changes:
        await watch.time("complete", lambda: ledger.complete(fingerprint="", report={}))
    else:
        await watch.time("finish", lambda: ledger.finish("unchanged", {}))
    watch.tell(f"{title} {changes}", units)
    calls, rows = catalog.statements.calls - before[0], catalog.statements.rows - before[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"  {calls / units:.4f} calls and {rows / units:.2f} rows a unit, peak {peak} MiB")


async def _one_batch(watch: Stopwatch, ledger: RunLedger, batch: list[Statement]) -> None:
    digests = [Digest("sha256", said.artifacts[0].digest) for said in batch]
    await watch.time("find_artifacts", lambda: ledger.find_artifacts(digests))
    asked = ([said.identity for said in batch], [said.key for said in batch])
    found = await watch.time("find_contents", lambda: ledger.find_contents(*asked))
    new = [said for said, number in zip(batch, found, strict=True) if number is None]
    saved = await watch.time("save_contents", lambda: ledger.save_contents(new)) if new else []
    given = iter(saved)
    numbers = [next(given) if number is None else number for number in found]
    sources = [
        Source(number, said.artifacts[0].relative_path, (f"http://127.0.0.1/{said.artifacts[0].relative_path}",))
        for number, said in zip(numbers, batch, strict=True)
    ]
    await watch.time("note_sources", lambda: ledger.note_sources(sources))
    members = [Member(said.key, number, None) for number, said in zip(numbers, batch, strict=True)]
    await watch.time("associate", lambda: ledger.associate(members))


async def _all_contents(ledger: RunLedger) -> None:
    after = ""
    while rows := await ledger.contents("file.file", after=after):
        after = rows[-1].key


async def _all_paths(ledger: RunLedger) -> None:
    after = ("", 0)
    while rows := await ledger.paths("file.file", after=after):
        after = (rows[-1].relative_path, rows[-1].content)


def reading(catalog: Catalog, units: int, ended: threading.Event, times: list[float]) -> None:
    """Locate paths of the latest version, as a server would, while a sync runs."""
    number = 0
    while not ended.wait(0.01):
        number = (number + 7919) % units
        start = time.perf_counter()
        version = catalog.reader.version("bench").number
        catalog.reader.locate("bench", version, f"dir-{number // 1000:04d}/file-{number:07d}.bin")
        times.append(time.perf_counter() - start)


async def measure(url: str, *, units: int, batch: int) -> None:
    """All cases on one database."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = Catalog.open(url or f"sqlite:///{folder}/catalog.sqlite", locks=Path(folder), create=True)

        def batches(changed: int, state: int = 0) -> Iterator[list[Statement]]:
            for start in range(0, units, batch):
                yield [
                    statement(number, state if number < changed else 0)
                    for number in range(start, min(start + batch, units))
                ]

        print(f"\n== {'PostgreSQL' if url else 'SQLite'}, {units:,} units, {batch} a batch")
        await sync(catalog, "first", lambda: batches(0), units)
        await sync(catalog, "unchanged", lambda: batches(0), units)
        await sync(catalog, "one changed", lambda: batches(1, 1), units)
        ended, times = threading.Event(), list[float]()
        reader = threading.Thread(target=reading, args=(catalog, units, ended, times))
        reader.start()
        await sync(catalog, "all changed, beside readers", lambda: batches(units, 2), units)
        ended.set()
        reader.join()
        times.sort()
        print(f"  {len(times)} look-ups: 95 % within {times[len(times) * 95 // 100]:.4f} s, slowest {times[-1]:.4f} s")
        catalog.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--url", help="a database to measure alone; 'sqlite' for a file of our own")
    options = parser.parse_args()
    with ExitStack() as servers:
        if options.url is None:
            server = servers.enter_context(running_server())
            urls = ["", servers.enter_context(server.database())]
        else:
            urls = ["" if options.url == "sqlite" else options.url]
        for url in urls:
            asyncio.run(measure(url, units=options.units, batch=options.batch))


if __name__ == "__main__":
    main()
