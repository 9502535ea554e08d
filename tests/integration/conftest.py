"""What the integration tests stand on: an upstream, and a depot on each kind of catalog."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from entrepot.depot import Depot
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.depots import depot
from entrepot.testing.invariants import check_depot
from integration import firmware
from integration.opening import OpenDepot
from integration.program import Program


@pytest.fixture
async def origin() -> AsyncIterator[BadOrigin]:
    """An upstream on loopback, scripted by the test."""
    async with BadOrigin() as running:
        yield running


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    """The program, in a folder of its own."""
    made = Program(tmp_path / "here")
    yield made
    await made.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_catalog(request: pytest.FixtureRequest) -> str | None:
    """A catalog on a real SQLite file, then on a real PostgreSQL server."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def open_depot(tmp_path: Path, any_catalog: str | None) -> OpenDepot:
    """Open the test's depot, as often as it likes, with the firmware plugin and these repositories.

    Each time it is closed well, it must be all that a depot promises to be, unless the test says
    that it is not `whole`.
    """

    @contextmanager
    def opened(repositories: dict[str, Any], *, whole: bool = True, **given: Any) -> Iterator[Depot]:
        given = {"plugins": [("firmware", firmware)], "installed": False, **given}
        with depot(tmp_path / "depot", repositories, catalog=any_catalog, **given) as made:
            yield made
            if whole:
                check_depot(made)

    return opened
