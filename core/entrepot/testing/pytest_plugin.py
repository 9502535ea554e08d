"""Fixtures for the tests of a plugin, for whoever asks for them by name.

No pytest loads them by itself.

>>> pytest_plugins = ["entrepot.testing.pytest_plugin"]  # in a conftest.py at the root of the tests

The same can be asked for with `-p entrepot.testing.pytest_plugin`, on the command line or in `addopts`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.clock import Clock
from entrepot.testing.depots import OpenDepot

__all__ = ["clock", "open_depot", "origin"]


@pytest.fixture
def clock() -> Clock:
    """Virtual time, which is the time of the depot that `open_depot` opens."""
    return Clock()


@pytest_asyncio.fixture
async def origin() -> AsyncIterator[BadOrigin]:
    """An upstream on loopback that answers as the test tells it to."""
    async with BadOrigin() as origin:
        yield origin


@pytest.fixture
def open_depot(tmp_path: Path, clock: Clock) -> OpenDepot:
    """A way to open a depot in a temporary folder."""
    return OpenDepot(tmp_path / "depot", clock)
