"""The server that the catalog's tests run against."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import OperationalError

from postgres_server import PostgresServer

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
