"""Memory is bounded by configuration: not by the length of an index, the size of a file, or the crowd."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from source_tree import ROOT

pytestmark = pytest.mark.slow

SYNC = """
import asyncio, resource, sys
from pathlib import Path
import entrepot_file.plugin
from entrepot.operations.sync import sync
from entrepot.testing.depots import depot
folder, url, policy = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
tables = {"files": {"type": "file", "url": url, "policy": policy, "mirror": True}}
with depot(folder, tables, plugins=[("file", entrepot_file.plugin)], installed=False) as opened:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = asyncio.run(sync(opened, "files"))
    assert outcome.version is not None, outcome
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, before)
"""

SERVE = """
import asyncio, resource, sys
from pathlib import Path
import aiohttp
import entrepot_file.plugin
from entrepot.operations.sync import sync
from entrepot.testing.depots import depot
from entrepot.testing.serving import served

def reader():
    return aiohttp.ClientSession(read_bufsize=4096, timeout=aiohttp.ClientTimeout(total=None, sock_read=60))

async def read(client, address):
    async with client.get(f"{address}/files/large.bin") as answer:
        assert answer.status == 200, await answer.text()
        count = 0
        while piece := await answer.content.read(65536):
            count += len(piece)
        return count

async def main(opened):
    await sync(opened, "files")
    async with served(opened) as address, reader() as client:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        counts = await asyncio.gather(*(read(client, address) for _ in range(30)))
        assert set(counts) == {int(sys.argv[3])}, counts
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, before)

folder, url = Path(sys.argv[1]), sys.argv[2]
tables = {"files": {"type": "file", "url": url, "policy": "on_demand"}}
with depot(folder, tables, plugins=[("file", entrepot_file.plugin)], installed=False) as opened:
    asyncio.run(main(opened))
"""


def measured(script: str, *words: str) -> tuple[int, int]:
    """Run a script in a process of its own; its peak at the end and before the work, in KiB."""
    paths = [ROOT / "core", ROOT / "plugin_examples/entrepot-file/src"]
    environment = {"PYTHONPATH": ":".join(map(str, paths)), "PATH": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-c", script, *words], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    after, before = done.stdout.split()
    return int(after), int(before)


def index(folder: Path, lines: int) -> str:
    """A list of so many files; none of them is there, which nobody notices on demand."""
    folder.mkdir()
    with (folder / "PULP_MANIFEST").open("w") as file:
        for number in range(lines):
            file.write(f"folder-{number % 1000}/file-{number}.bin,{number:064x},{number + 1}\n")
    return (folder / "PULP_MANIFEST").as_uri()


def large(folder: Path, size: int) -> str:
    """A list with one sparse file."""
    folder.mkdir()
    with (folder / "large.bin").open("wb") as file:
        file.truncate(size)
    digest = hashlib.sha256()
    zeros, left = bytes(1024 * 1024), size
    while left:
        digest.update(zeros[:left])
        left -= min(left, len(zeros))
    (folder / "PULP_MANIFEST").write_text(f"large.bin,{digest.hexdigest()},{size}\n")
    return (folder / "PULP_MANIFEST").as_uri()


@pytest.mark.fault("B12")
@pytest.mark.promise("P27")
@pytest.mark.parametrize(
    ("short", "long"), [(5_000, 25_000), pytest.param(100_000, 1_000_000, marks=pytest.mark.sweep)]
)
def test_a_longer_index_takes_no_more_memory(tmp_path: Path, short: int, long: int) -> None:
    """What is kept for each line is kept on the disk: 40 MiB apart at most, for ten times the lines."""
    peaks = {
        lines: measured(SYNC, str(tmp_path / f"depot-{lines}"), index(tmp_path / str(lines), lines), "on_demand")[0]
        for lines in (short, long)
    }

    assert peaks[long] - peaks[short] < 40 * 1024, peaks


@pytest.mark.promise("P27")
@pytest.mark.parametrize("size", [96 * 1024**2, pytest.param(3 * 1024**3, marks=pytest.mark.sweep)])
def test_a_large_file_is_synced_in_little_memory(tmp_path: Path, size: int) -> None:
    """It passes through, 60 MiB at most at a time."""
    peak, before = measured(SYNC, str(tmp_path / "depot"), large(tmp_path / "upstream", size), "immediate")

    assert peak - before < 60 * 1024, (peak, before)


@pytest.mark.promise("P27")
@pytest.mark.sweep
@pytest.mark.parametrize("size", [256 * 1024**2, 3 * 1024**3])
def test_a_large_file_is_fetched_for_thirty_readers_in_little_memory(tmp_path: Path, size: int) -> None:
    """Thirty readers in the server's own process, which is more than the server alone would take."""
    peak, before = measured(SERVE, str(tmp_path / "depot"), large(tmp_path / "upstream", size), str(size))

    assert peak - before < 60 * 1024, (peak, before)
    assert os.path.getsize(tmp_path / "upstream/large.bin") == size
