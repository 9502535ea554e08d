"""What plugins cost that do nothing: a long list on demand, with and without ten stages that pass units on.

    python tests/benchmarks/plugins.py [--runs 3] [--plugins 10] [--index 200000] [--work DIR]

The plugins are installed as distributions, each with a stage of its own; the runs with and without
them follow each other in turn, each a process of its own in a fresh depot, so that the machine's
noise is in all of them. Medians are printed, and what share of the rate is lost.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import origin
from sync import Bench

#: How a stage reads and passes on that does nothing else, by the name of the way.
WAYS = {
    "batches": "async for units in self.batches():\n            for unit in units: await self.put(unit)",
    "items": "async for unit in self.items():\n            await self.put(unit)",
}

SOURCE = """
from __future__ import annotations
from entrepot.plugin import QueryExistingContents, Stage, after, hookimpl

class {stage}(Stage):
    async def run(self) -> None:
        {body}

@hookimpl
def entrepot_edit_plan():
    return [after(QueryExistingContents, {stage}())]
"""


def install(site: Path, count: int, way: str) -> Path:
    """Write distributions as an installer would, each with one stage that passes units on."""
    for number in range(count):
        name = f"noop_{way}_{number}"
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[entrepot]\n{name} = {name}\n")
        (site / f"{name}.py").write_text(SOURCE.format(stage=f"PassOn{number}", body=WAYS[way]))
    return site


@contextmanager
def installed(site: Path | None) -> Iterator[None]:
    """Let the processes that are started find what is installed there."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site) if site else None, before]))
    try:
        yield
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


def seconds(bench: Bench, sites: Sequence[Path | None], folder: str) -> dict[Path | None, list[float]]:
    """How long a first sync takes with each site, in turn."""
    taken: dict[Path | None, list[float]] = {site: [] for site in sites}
    for _ in range(bench.runs):
        for site in sites:
            with installed(site):
                taken[site].append(bench.sync(bench.depot(folder, policy="on_demand"))["seconds"])
    return taken


def lines(taken: dict[Path | None, list[float]], count: int) -> Iterator[str]:
    """Rates, and what is lost beside the runs without plugins."""
    rates = {site: statistics.median(count / one for one in each) for site, each in taken.items()}
    for site, each in taken.items():
        lost = 1 - rates[site] / rates[None]
        spread = f"{count / max(each):,.0f}-{count / min(each):,.0f}"
        name = site.name if site else "no plugins"
        yield f"{name:22} {rates[site]:10,.0f} units/s ({spread:>15})  {lost:6.1%} lost"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--plugins", type=int, default=10)
    parser.add_argument("--index", type=int, default=200_000)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "entrepot-benchmarks")
    given = parser.parse_args()
    (given.work / "origin").mkdir(parents=True, exist_ok=True)
    shutil.rmtree(given.work / "sites", ignore_errors=True)
    sites = [install(given.work / "sites" / f"{given.plugins} by {way}", given.plugins, way) for way in WAYS]
    folder = f"index-{given.index}"
    origin.make_index(given.work / "origin" / folder, count=given.index)
    with origin.nginx(given.work / "origin", given.work / "run") as url:
        taken = seconds(Bench(given.work, runs=given.runs, url=url), [None, *sites], folder)
    for line in lines(taken, given.index):
        print(line)  # it is a report
    shutil.rmtree(given.work / "aside", ignore_errors=True)


if __name__ == "__main__":
    main()
