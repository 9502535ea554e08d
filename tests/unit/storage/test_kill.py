"""kill -9 while files are kept, at moments that a seed chooses."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import entrepot
from entrepot.storage.filesystem import FilesystemStorage
from unit.storage import keep_for_ever
from unit.storage.pulled_plug import wrong_files

MOMENTS = 20
LATEST = 0.03


@pytest.mark.fault("C02")
@pytest.mark.promise("P04")
@pytest.mark.power
@pytest.mark.slow
@pytest.mark.parametrize("sizes", ["all", "small"])
def test_a_kill_at_any_moment_leaves_right_bytes_and_no_litter(tmp_path: Path, sizes: str) -> None:
    """What was acknowledged is there, nothing else is wrong, and the next start cleans up."""
    with closing(FilesystemStorage(tmp_path)) as storage:
        storage.prepare()

        for seed in range(MOMENTS):
            acknowledged = kill_at(random.Random(seed), tmp_path, str(seed), sizes)

            sweep_all(storage, tmp_path / "tmp")
            assert wrong_files(tmp_path) == []
            kept = [
                hashlib.sha256(body).digest()
                for n in acknowledged
                for body in keep_for_ever.bodies(str(seed), n, sizes)
            ]
            assert all(storage.holds(sha256) for sha256 in kept)
            for file in (tmp_path / "sha256").glob("*/*"):
                file.unlink()


def sweep_all(storage: FilesystemStorage, folder: Path) -> None:
    """Sweep until nothing is left: the process that kept for the one that was killed ends a moment later."""
    until = time.monotonic() + 30
    while os.listdir(folder):
        assert time.monotonic() < until
        storage.sweep()


def kill_at(die: random.Random, root: Path, seed: str, sizes: str) -> list[int]:
    """Let a process keep files, kill it a moment after a batch, and return the batches it acknowledged."""
    environment = {**os.environ, "PYTHONPATH": str(Path(entrepot.__file__).parents[1])}
    command = [sys.executable, keep_for_ever.__file__, str(root), seed, sizes]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(die.randrange(3))]
        time.sleep(die.random() * LATEST)
        process.kill()
        told += process.stdout.readlines()
    return [int(line) for line in told if line.endswith("\n")]
