"""What the integration tests stand on: an upstream, and a depot on each kind of catalog."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from entrepot.depot import Depot
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.depots import depot
from integration import firmware
from integration.opening import OpenDepot


@pytest.fixture
async def origin() -> AsyncIterator[BadOrigin]:
    """An upstream on loopback, scripted by the test."""
    async with BadOrigin() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_catalog(request: pytest.FixtureRequest) -> str | None:
    """A catalog on a real SQLite file, then on a real PostgreSQL server."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def open_depot(tmp_path: Path, any_catalog: str | None) -> OpenDepot:
    """Open the test's depot, as often as it likes, with the firmware plugin and these repositories."""

    def opened(repositories: dict[str, Any], **given: Any) -> AbstractContextManager[Depot]:
        given = {"plugins": [("firmware", firmware)], "installed": False, **given}
        return depot(tmp_path / "depot", repositories, catalog=any_catalog, **given)

    return opened
