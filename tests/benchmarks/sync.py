"""Whole syncs against a real nginx on loopback: rates, peak memory, statements, and ratios to bare limits.

    python tests/benchmarks/sync.py [--runs 5] [--cases small,huge,large,beside] [--work DIR] [--index 200000]

Each run is a process of its own, as a person would start it, in a fresh depot, durable (synchronous
FULL, files synced). Medians are printed, with the least and the most. The machine's noise is in all
of them: compare the ratios, which come from the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

import bare
import origin
from beside import first_requests_beside_a_sync

MIB = 1024 * 1024


class Figure(NamedTuple):
    """One case: units a second over several runs, with what a run needed."""

    case: str
    rates: list[float]
    unit: str
    wall: list[float]
    peak_mib: float
    calls_per_unit: float = 0.0
    rows_per_unit: float = 0.0
    bare: float | None = None

    def line(self) -> str:
        rate, spread = statistics.median(self.rates), f"{min(self.rates):,.0f}-{max(self.rates):,.0f}"
        ratio = f"{rate / self.bare:5.2f} x bare" if self.bare else ""
        return (
            f"{self.case:42} {rate:10,.0f} {self.unit:7} ({spread:>15})  {statistics.median(self.wall):7.2f} s whole"
            f"  {self.peak_mib:5.0f} MiB  {self.calls_per_unit:.4f} calls"
            f"  {self.rows_per_unit:4.1f} rows a unit  {ratio}"
        )


class Bench:
    """Where the runs happen, and how often."""

    def __init__(self, work: Path, *, runs: int, url: str) -> None:
        self.work, self.runs, self.url = work, runs, url
        self.aside = work / "aside"
        self.aside.mkdir(exist_ok=True)

    def depot(self, folder: str, *, policy: str = "immediate", mirror: bool = True) -> Path:
        """A fresh depot for one origin folder; an earlier one is set aside, for deleting slows the next run."""
        home = self.work / "depot"
        if home.exists():
            home.rename(self.aside / str(time.monotonic_ns()))
        home.mkdir()
        (home / "entrepot.toml").write_text(
            f'[depot]\nhome = "{home}"\n\n[repositories.bench]\ntype = "file"\npolicy = "{policy}"\n'
            f'mirror = {str(mirror).lower()}\nurl = "{self.url}/{folder}/PULP_MANIFEST"\nallow_private = true\n\n'
            "[repositories.bench.options]\nskip_unchanged = false\n"
        )
        self.entrepot(home, "init")
        return home

    def sync(self, home: Path) -> dict[str, Any]:
        """Sync in a process of its own: the "synced" line, wall seconds and peak memory."""
        began = time.perf_counter()
        out, usage = self.entrepot(home, "--json", "sync", "bench")
        wall = time.perf_counter() - began
        with closing(sqlite3.connect(f"file:{home / 'catalog.sqlite'}?mode=ro", uri=True)) as catalog:
            (report,) = catalog.execute("SELECT report FROM run ORDER BY id DESC LIMIT 1").fetchone()
        database = json.loads(report)["database"]
        return {**json.loads(out.splitlines()[-1]), **database, "wall": wall, "peak": usage / 1024}

    def entrepot(self, home: Path, *arguments: str) -> tuple[str, int]:
        command = [sys.executable, "-m", "entrepot", "--config", str(home / "entrepot.toml"), *arguments]
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(command, stdout=out)  # this interpreter
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            text = out.read().decode()
        if process.returncode not in (0, 1) or (process.returncode and "init" not in arguments):
            raise SystemExit(f"entrepot {' '.join(arguments)} ended with {process.returncode}: {text}")
        return text, usage.ru_maxrss

    def figure(
        self, case: str, results: list[dict[str, Any]], units: float, unit: str, limit: float | None = None
    ) -> Figure:
        last = results[-1]
        return Figure(
            case,
            [units / result["seconds"] for result in results],
            unit,
            [result["wall"] for result in results],
            max(result["peak"] for result in results),
            last["calls"] / units,
            last["rows"] / units,
            limit,
        )

    def bare_downloads(self, folder: str, count: int, *, concurrency: int) -> float:
        names = bare.paths(self.work / "origin" / folder / "PULP_MANIFEST")
        times = []
        for _ in range(self.runs):
            target = self.aside / str(time.monotonic_ns())
            target.mkdir()
            times.append(
                asyncio.run(bare.read_hash_write(f"{self.url}/{folder}", names, target, concurrency=concurrency))
            )
        return count / statistics.median(times)


def small(bench: Bench, count: int = 20_000) -> Iterator[Figure]:
    """Many small files: first sync, nothing changed, one line changed."""
    root = bench.work / "origin" / "small"
    origin.make_files(root, count=count, size=4096)
    limit = bench.bare_downloads("small", count, concurrency=50)
    first, again, changed = [], [], []
    for _ in range(bench.runs):
        home = bench.depot("small")
        first.append(bench.sync(home))
        again.append(bench.sync(home))
        origin.change_a_line(root)
        changed.append(bench.sync(home))
    yield bench.figure(f"{count:,} files of 4 KiB, first", first, count, "files/s", limit)
    yield bench.figure(f"{count:,} files of 4 KiB, unchanged", again, count, "units/s")
    yield bench.figure(f"{count:,} files of 4 KiB, one line changed", changed, count, "units/s")


def huge(bench: Bench, count: int = 200_000) -> Iterator[Figure]:
    """A long manifest on demand, and a tenth of it: rates, and whether memory grows."""
    for lines in (count // 10, count):
        folder = f"index-{lines}"
        origin.make_index(bench.work / "origin" / folder, count=lines)
        manifest = bench.work / "origin" / folder / "PULP_MANIFEST"
        times = [bare.rows_for_a_manifest(manifest, bench.aside / str(time.monotonic_ns())) for _ in range(bench.runs)]
        limit = lines / statistics.median(times)
        first, again = [], []
        for _ in range(bench.runs):
            home = bench.depot(folder, policy="on_demand")
            first.append(bench.sync(home))
            again.append(bench.sync(home))
        yield bench.figure(f"{lines:,} lines on demand, first", first, lines, "units/s", limit)
        yield bench.figure(f"{lines:,} lines on demand, unchanged", again, lines, "units/s", limit)


def large(bench: Bench, count: int = 64, mib: int = 16) -> Iterator[Figure]:
    """Few large files: megabytes (10^6) a second."""
    origin.make_files(bench.work / "origin" / "large", count=count, size=mib * MIB)
    megabytes = count * mib * MIB / 1e6
    limit = bench.bare_downloads("large", count, concurrency=8) * mib * MIB / 1e6
    results = [bench.sync(bench.depot("large")) for _ in range(bench.runs)]
    yield bench.figure(f"{count} files of {mib} MiB, first", results, megabytes, "MB/s", limit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cases", default="small,huge,large,beside")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "entrepot-benchmarks")
    parser.add_argument("--index", type=int, default=200_000)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    (given.work / "origin").mkdir(exist_ok=True)
    with origin.nginx(given.work / "origin", given.work / "run") as url:
        bench = Bench(given.work, runs=given.runs, url=url)
        for case in given.cases.split(","):
            if case == "beside":
                print(first_requests_beside_a_sync(bench, given.index), flush=True)  # it is a report
                continue
            figures = huge(bench, given.index) if case == "huge" else {"small": small, "large": large}[case](bench)
            for figure in figures:
                print(figure.line(), flush=True)  # it is a report
    shutil.rmtree(given.work / "aside", ignore_errors=True)


if __name__ == "__main__":
    main()
