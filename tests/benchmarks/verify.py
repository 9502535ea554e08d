"""How fast files are verified, beside bare hashlib on the same bytes in the same run.

    python tests/benchmarks/verify.py [FILES] [BYTES]

The ratio is to be at least 0.70 by the clock, on a machine that has nothing else to do: reading,
opening and asking the catalog may cost the rest. All of it is in the page cache, so that it is not
the disk that is measured.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from pathlib import Path

from entrepot import builtin
from entrepot.catalog.reserved import SHARED
from entrepot.depot import Depot, open_depot
from entrepot.hooks.manager import Plugins
from entrepot.model.artifact import Artifact
from entrepot.operations.verify import Verified, verify
from entrepot.settings import load

FILES, BYTES = 4000, 256 * 1024
_BATCH = 500


def filled(depot: Depot, files: int, size: int) -> None:
    """Keep files of one size, all different, with rows as an on-demand fetch leaves them."""
    from entrepot.catalog import artifacts  # the quickest way to rows without a sync

    block = bytes(range(256)) * (size // 256 + 1)
    for start in range(0, files, _BATCH):
        batch = []
        for number in range(start, min(start + _BATCH, files)):
            incoming = depot.storage.receive(Artifact(size=size))
            incoming.write((number.to_bytes(8) + block)[:size])
            batch.append(incoming.finish())
        kept = depot.storage.keep(batch)
        with depot.catalog._keeper.transaction() as session:
            artifacts.save(session, SHARED, kept)


def bare(size: int, octets: int) -> float:
    """Bytes that one core hashes in a second that it has for that alone, in pieces as large as files are read."""
    piece = bytes(min(size, 256 * 1024))
    began, done, digest = time.process_time(), 0, hashlib.sha256()
    while done < octets:
        digest.update(piece)
        done += len(piece)
    return done / (time.process_time() - began)


def main(files: int, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "entrepot.toml")
        config.write_text("[repositories]\n")
        settings = load(config, environ={}, home=Path(folder, "home"))
        with open_depot(settings, Plugins.load(builtin=builtin, installed=False), create=True) as depot:
            filled(depot, files, size)
            alone = [bare(size, files * size)]
            began, spent, seen = time.perf_counter(), time.process_time(), Verified(seed=0)
            found = list(verify(depot, seen=seen))
            seconds, spent = time.perf_counter() - began, time.process_time() - spent
            alone.append(bare(size, files * size))
    pace, reference = seen.octets / seconds, sum(alone) / len(alone)
    print(f"{files} files of {size} bytes: {len(found)} findings")
    print(f"verify {pace / 1e6:.0f} MB/s, {files / seconds:.0f} files/s; sha256 on one core {reference / 1e6:.0f} MB/s")
    print(f"ratio {pace / reference:.2f} by the clock, {seen.octets / spent / reference:.2f} by processor time")


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[1:]]
    main(*given, *(FILES, BYTES)[len(given) :])
