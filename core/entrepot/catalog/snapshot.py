"""Reading the catalog as it was at one moment, on a connection that is lent for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from entrepot.catalog.faults import told
from entrepot.catalog.statement import Session, StatementCount

if TYPE_CHECKING:
    from entrepot.catalog.writing import Database


@contextmanager
def snapshot(database: Database, count: StatementCount) -> Iterator[Session]:
    """Lend a session whose statements all see the catalog as it was at one moment.

    Leave the block soon: on SQLite the log cannot be cut short meanwhile.
    """
    with told(database.place), database.open_reader() as connection:
        session = Session(connection, database.tongue, count=count)
        connection.execute(database.begin_reading)
        try:
            yield session
        finally:
            session.undo()
