"""Scratch folders end with their process, however it ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entrepot.depot.scratch_folder import ScratchFolder
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.depots import depot
from integration import firmware


def litter(home: Path) -> list[Path]:
    """Make what a killed process leaves behind."""
    left = home / "scratch-left"
    left.mkdir()
    (left / "0-page").write_bytes(b"a page of yesterday")
    return [left]


@pytest.mark.fault("C17")
@pytest.mark.promise("P08")
def test_what_a_dead_process_left_goes_and_what_a_living_one_uses_stays(tmp_path: Path) -> None:
    """A lock tells the living from the dead, also within one process."""
    (left,) = litter(tmp_path)
    living = ScratchFolder.make(tmp_path)
    (living.path / "page").write_bytes(b"a page")

    other = ScratchFolder.make(tmp_path)

    assert not left.exists()
    assert (living.path / "page").read_bytes() == b"a page"
    living.remove()
    other.remove()
    assert os.listdir(tmp_path) == []


def test_what_only_looks_like_a_folder_is_left_alone(tmp_path: Path) -> None:
    """A link is not followed, and a file is not ours."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    home = tmp_path / "home"
    home.mkdir()
    (home / "scratch-link").symlink_to(elsewhere)
    (home / "scratch-file").touch()

    ScratchFolder.make(home).remove()

    assert (elsewhere / "precious").exists()
    assert sorted(os.listdir(home)) == ["scratch-file", "scratch-link"]


async def test_a_sync_removes_what_killed_ones_left(tmp_path: Path) -> None:
    """Neither pages nor half-written bytes pile up, and nobody has to clean up by hand."""
    async with BadOrigin() as origin:
        url = origin.put("/feed.json", b"[]")
        table = {"fw": {"type": "firmware", "url": url}}
        with depot(tmp_path, table, plugins=[("firmware", firmware)], installed=False) as opened:
            (left,) = litter(opened.settings.home)
            half = opened.settings.home / "storage" / "tmp" / "1-1-0-7"
            half.write_bytes(b"half a bo")

            await sync(opened, "fw")

            assert not left.exists()
            assert not half.exists()
