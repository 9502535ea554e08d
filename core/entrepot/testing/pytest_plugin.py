"""Fixtures for the tests of a plugin, for whoever asks for them by name.

No pytest loads them by itself.

>>> pytest_plugins = ["entrepot.testing.pytest_plugin"]  # in a conftest.py at the root of the tests

The same can be asked for with `-p entrepot.testing.pytest_plugin`, on the command line or in `addopts`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_asyncio

from entrepot.depot import Depot
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.clock import Clock
from entrepot.testing.depots import depot

__all__ = ["OpenDepot", "clock", "open_depot", "origin"]


@attrs.frozen
class OpenDepot:
    """Opens the depot of one test, again and again: always in the same folder, by the same clock."""

    folder: Path
    clock: Clock

    def __call__(
        self,
        repositories: Mapping[str, Mapping[str, Any]],
        *,
        plugins: Sequence[tuple[str, object]] = (),
        installed: bool = True,
    ) -> AbstractContextManager[Depot]:
        """Open it with these repositories; the rest is as `entrepot.testing.depot` says."""
        return depot(self.folder, repositories, plugins=plugins, installed=installed, clock=self.clock)


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
