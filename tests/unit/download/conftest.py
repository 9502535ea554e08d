"""What the tests of downloading may ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from entrepot.testing.bad_origin import BadOrigin
from unit.download.desk import Desk


@pytest.fixture
async def origin() -> AsyncIterator[BadOrigin]:
    """An upstream on loopback."""
    async with BadOrigin() as origin:
        yield origin


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where bodies are received."""
    folder = tmp_path / "received"
    folder.mkdir()
    return folder


@pytest.fixture
async def desk(origin: BadOrigin, folder: Path) -> AsyncIterator[Desk]:
    """Downloads from the origin to the folder."""
    desk = Desk(origin, folder)
    async with desk.downloads:
        yield desk
