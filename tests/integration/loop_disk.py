"""An ext4 file system in a file: copying the file under a stopped writer is what a power cut leaves.

Nothing is written back by time (`commit=300`) and nothing by the kernel's guess at what a rename
means (`noauto_da_alloc`): what was not synced is not in the copy.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

_SIZE: Final = 40 * 1024**2
_OPTIONS: Final = "loop,commit=300,noauto_da_alloc"
_MEMORY: Final = Path("/dev/shm")

_WATCH: Final = """
import shutil, subprocess, sys
sys.stdin.read()
for line in open("/proc/mounts"):
    place = line.split()[1]
    if place.startswith(sys.argv[1]):
        subprocess.run(["umount", "--lazy", place])
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""
"""Lets go of a folder, and of what is mounted below it, also when the tests are killed: a pipe then closes."""


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder for images and mounts, in memory where that can be had; nothing is left of it."""
    folder = Path(tempfile.mkdtemp(prefix="entrepot-power-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None))
    watcher = subprocess.Popen(
        [sys.executable, "-c", _WATCH, f"{folder}/"], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield folder
    finally:
        watcher.communicate()  # it removes the folder, in this case as in any other


def require_mounts(folder: Path) -> None:
    """Skip the test where no file system can be made, or none mounted."""
    try:
        with mounted(format_image(folder / "probe")):
            pass
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "")
        pytest.skip(f"power cuts need root, mkfs.ext4 and loop devices: {said or error}")


def format_image(image: Path) -> Path:
    """Make an empty file system."""
    with image.open("wb") as file:
        file.truncate(_SIZE)
    _run("mkfs.ext4", "-q", "-F", "-J", "size=8", image)
    return image


@contextmanager
def mounted(image: Path) -> Iterator[Path]:
    """Mount an image beside itself; its journal is replayed first."""
    place = image.with_suffix(".mounted")
    place.mkdir()
    try:
        _run("mount", "-o", _OPTIONS, image, place)
        try:
            yield place
        finally:
            _run("umount", place)
    finally:
        place.rmdir()


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
