"""Many small repositories, synced here one after the other, and by workers.

    python tests/benchmarks/executors.py [--repositories 8] [--files 2000] [--jobs 2] [--work DIR]

Each case is a fresh depot on SQLite, durable, with an upstream on this machine. Printed are seconds of
the clock, and of processors by all processes of the sync. Compare the two: the machine's noise is in both.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import origin


def configured(home: Path, url: str, *, repositories: int, jobs: int) -> Path:
    """A fresh depot, in which each repository has an upstream of its own."""
    home.mkdir()
    tables = [f'[depot]\nhome = "{home}"\n[depot.executors.processes]\njobs = {jobs}\n']
    tables += [
        f'[repositories.r{number}]\ntype = "file"\nallow_private = true\nurl = "{url}/{number}/PULP_MANIFEST"\n'
        for number in range(repositories)
    ]
    (home / "entrepot.toml").write_text("".join(tables))
    entrepot(home, "init")
    return home


def entrepot(home: Path, *words: str) -> list[str]:
    """Run one command to its end."""
    command = [sys.executable, "-m", "entrepot", "--config", str(home / "entrepot.toml"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # this interpreter
    if done.returncode and "init" not in words:
        raise SystemExit(f"entrepot {' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return done.stdout.splitlines()


def worked() -> float:
    """Seconds of processors that ended children took, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(home: Path, *, executor: str, units: int) -> tuple[float, float]:
    """Sync all, see that all came in, and say how many seconds that took."""
    began, before = time.perf_counter(), worked()
    lines = [json.loads(line) for line in entrepot(home, "--json", "sync", "--executor", executor)]
    seconds = time.perf_counter() - began
    added = sum(line["added"] for line in lines if line["event"] == "synced")
    if added != units:
        raise SystemExit(f"{executor}: {added} of {units} units came in")
    return seconds, worked() - before


def main() -> None:
    """Measure both executors, twice each, in turns."""
    parser = argparse.ArgumentParser(description="Measure syncs of many repositories.")
    parser.add_argument("--repositories", type=int, default=8)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--work", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.work) as folder:
        work = Path(folder)
        for number in range(asked.repositories):
            origin.make_files(work / "origin" / str(number), count=asked.files, size=4096 + number)
        with origin.nginx(work / "origin", work / "run") as url:
            for turn, executor in enumerate(["local", "processes"] * 2):
                home = configured(work / f"depot-{turn}", url, repositories=asked.repositories, jobs=asked.jobs)
                seconds, busy = measured(home, executor=executor, units=asked.repositories * asked.files)
                sys.stdout.write(f"{executor:12} {seconds:7.2f} s  {busy:7.2f} s of processors\n")


if __name__ == "__main__":
    main()
