"""How long a prune takes to collect dead artifacts among many, and how long its transactions are.

    python tests/benchmarks/prune.py [--artifacts 1000000] [--dead 100000] [--folder DIR]

The catalog is filled with SQL, a content and an artifact to each member, and storage with empty
files under the names of what is dead: removing a name costs the same whatever stands under it.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from entrepot.catalog.reserved import OPEN
from entrepot.catalog.statement import Session
from entrepot.catalog.writing import Writer
from entrepot.depot import Depot
from entrepot.operations.prune import prune
from entrepot.testing.depots import depot


def sha256(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def fill(opened: Depot, file: Path, *, artifacts: int, dead: int) -> None:
    """Two versions: the first has all, the second lacks what is dead."""
    numbers = range(1, artifacts + 1)
    with closing(sqlite3.connect(file)) as catalog, catalog:
        catalog.execute("INSERT INTO repository (id, name, type, private) VALUES (1, 'large', 'file', 0)")
        catalog.execute("INSERT INTO lease VALUES (1, 2, NULL, '', 0)")
        for number in (1, 2):
            catalog.execute("INSERT INTO run VALUES (?, 1, ?, '', 0, 0, 'completed', ?, '{}', 1)", (number,) * 3)
            catalog.execute(
                "INSERT INTO repository_version VALUES (1, ?, ?, 0, NULL, ?, '', '{}')", (number, number, artifacts)
            )
        keys = {number: f'["file.file","{number:09}"]' for number in numbers}
        catalog.executemany(
            "INSERT INTO content VALUES (?, 'file.file', ?, ?, x'7b7d', NULL)",
            ((number, sha256(-number), keys[number]) for number in numbers),
        )
        catalog.executemany(
            "INSERT INTO content_artifact VALUES (?, ?, 'sha256', ?, 0)",
            ((number, f"{number:09}", sha256(number)) for number in numbers),
        )
        catalog.executemany(
            "INSERT INTO remote_artifact VALUES (1, ?, ?, '[]')", ((number, f"{number:09}") for number in numbers)
        )
        for digest in sorted(map(sha256, numbers)):
            catalog.execute("INSERT INTO artifact VALUES (?, 0, NULL)", (digest,))
            catalog.execute("INSERT INTO holding VALUES (?, 0)", (digest,))
        gone = range(1, artifacts + 1, artifacts // dead)
        catalog.executemany(
            "INSERT INTO membership VALUES (1, ?, ?, 1, ?, NULL)",
            ((keys[number], 2 if number in gone else OPEN, number) for number in numbers),
        )
    root = next(path for path in file.parent.rglob("sha256") if path.is_dir())
    for number in gone:
        digits = sha256(number).hex()
        (root / digits[:2] / digits[2:]).touch(mode=0o444)


@contextmanager
def transactions() -> Iterator[list[float]]:
    """Seconds of every transaction that writes, while the block runs."""
    took: list[float] = []
    plain = Writer.transaction

    @contextmanager
    def timed(self: Writer, *, lasting: bool = True) -> Iterator[Session]:
        began = time.perf_counter()
        with plain(self, lasting=lasting) as session:
            yield session
        took.append(time.perf_counter() - began)

    Writer.transaction = timed  # type: ignore[method-assign]  # a stopwatch around it, for this process alone
    try:
        yield took
    finally:
        Writer.transaction = plain  # type: ignore[method-assign]  # as it was


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifacts", type=int, default=1_000_000)
    parser.add_argument("--dead", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=asked.folder) as folder,
        depot(Path(folder), {"large": {"type": "file", "url": "https://index.example/"}}) as opened,
    ):
        began = time.perf_counter()
        file = next(Path(folder).rglob("catalog.sqlite"))
        fill(opened, file, artifacts=asked.artifacts, dead=asked.dead)
        print(f"filled in {time.perf_counter() - began:.1f} s")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        cpu = time.process_time()
        with transactions() as took:
            pruned = prune(opened, keep=1)
        cpu = time.process_time() - cpu
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"{pruned.artifacts:,} artifacts and {pruned.contents:,} contents of {asked.artifacts:,} each")
        print(f"{pruned.seconds:.1f} s, of which {cpu:.1f} s of this process's work")
        took.sort()
        print(f"{len(took)} transactions: median {took[len(took) // 2] * 1e3:.0f} ms,", end=" ")
        print(f"99 % within {took[int(len(took) * 0.99)] * 1e3:.0f} ms, longest {took[-1] * 1e3:.0f} ms")
        print(f"memory: {(after - before) / 1024:.0f} MB beyond what filling took ({before / 1024:.0f} MB)")


if __name__ == "__main__":
    main()
