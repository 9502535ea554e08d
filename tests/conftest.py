"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from postgres_server import PostgresServer, running_server


@pytest.fixture(scope="session", autouse=True)
def _nobodys_depot() -> Iterator[None]:
    """Keep tests off the depot of whoever runs them, and loopback off their proxy."""
    ours = [name for name in os.environ if name.startswith("ENTREPOT_") and not name.startswith("ENTREPOT_TEST_")]
    with pytest.MonkeyPatch.context() as environment:
        for name in ours:
            environment.delenv(name)
        for name in ("NO_PROXY", "no_proxy"):
            environment.setenv(name, "127.0.0.1,localhost,::1")
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One real PostgreSQL server for the whole run, started when the first test asks for it."""
    with running_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database that this test alone uses."""
    with postgres_server.database() as url:
        yield url
