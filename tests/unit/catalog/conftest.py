"""Catalogs to test with: every test that asks for one runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from entrepot.catalog.catalog import Catalog
from postgres_server import PostgresServer
from unit.catalog.clocks import Clock
from unit.catalog.saying import empty

POSTGRES = pytest.param("postgresql", marks=pytest.mark.postgres)


@pytest.fixture(scope="session")
def shared_catalog(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL catalog that one test after the other has for itself; making one takes a second."""
    with postgres_server.database() as url:
        Catalog.open(url, locks=tmp_path_factory.mktemp("locks"), create=True).close()
        yield url


@pytest.fixture(params=["sqlite", POSTGRES])
def catalog_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty catalog that one test alone uses, once on each database."""
    fixture = "sqlite_url" if request.param == "sqlite" else "emptied_url"
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture
def emptied_url(shared_catalog: str) -> Iterator[str]:
    """The URL of the shared catalog, with nothing in it but its tables."""
    yield shared_catalog
    empty(shared_catalog)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an empty catalog in a file."""
    url = f"sqlite:///{tmp_path}/catalog.sqlite"
    Catalog.open(url, locks=tmp_path / "locks", create=True).close()
    return url


@pytest.fixture
def clock() -> Clock:
    """A clock that stands until it is moved."""
    return Clock()


@pytest.fixture
def catalog(catalog_url: str, tmp_path: Path, clock: Clock) -> Iterator[Catalog]:
    """An empty catalog, opened."""
    opened = Catalog.open(catalog_url, locks=tmp_path / "locks", clock=clock)
    yield opened
    opened.close()
