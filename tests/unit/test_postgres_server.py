"""The server that the catalog's tests run against."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from postgres_server import OVERRIDE, PostgresServer

pytestmark = pytest.mark.postgres


def test_two_databases_of_one_server_share_nothing(postgres_server: PostgresServer, postgres_url: str) -> None:
    """What one test writes is not seen by another."""
    with postgres_server.database() as other_url:
        here, there = create_engine(postgres_url), create_engine(other_url)

        with here.begin() as connection:
            connection.execute(text("CREATE TABLE mine (id integer)"))

        assert inspect(here).get_table_names() == ["mine"]
        assert inspect(there).get_table_names() == []
        here.dispose()
        there.dispose()


def test_a_database_made_from_a_template_holds_what_the_template_holds(postgres_server: PostgresServer) -> None:
    """A schema that was made once can be handed to every test."""
    with postgres_server.database() as template_url:
        template = create_engine(template_url)
        with template.begin() as connection:
            connection.execute(text("CREATE TABLE given (id integer)"))
        name = str(template.url.database)
        template.dispose()

        with postgres_server.database(template=name) as url:
            copy = create_engine(url)

            assert inspect(copy).get_table_names() == ["given"]
            copy.dispose()


def test_a_database_is_gone_after_its_test_even_when_somebody_stayed_connected(postgres_server: PostgresServer) -> None:
    """A test that leaks a connection fails by itself, and leaves nothing on the server."""
    url = postgres_server.create_database()
    engine = create_engine(url)
    leaked = engine.connect()

    postgres_server.drop_database(url)

    with pytest.raises(OperationalError):
        create_engine(url).connect()
    leaked.invalidate()
    engine.dispose()


@pytest.mark.slow
def test_a_server_ends_when_whoever_started_it_is_killed() -> None:
    """A test run that is killed leaves no server behind, and no folder."""
    script = """if True:
        import os, signal
        from postgres_server import running_server
        with running_server() as server:
            print(server.url.query["host"], flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    environment = {name: value for name, value in os.environ.items() if name != OVERRIDE}
    command = [sys.executable, "-c", script]
    killed = subprocess.run(
        command,
        cwd=Path(__file__).parents[1],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )

    deadline = time.monotonic() + 30
    while Path(killed.stdout.strip()).exists() and time.monotonic() < deadline:
        time.sleep(0.1)

    assert killed.returncode == -signal.SIGKILL
    assert killed.stdout.strip().startswith("/")
    assert not Path(killed.stdout.strip()).exists()
