"""Pages of one long answer: sorted once by the database, read a page at a time."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from typing import TYPE_CHECKING

from entrepot.catalog import settled
from entrepot.catalog.faults import told
from entrepot.catalog.statement import Session, StatementCount

if TYPE_CHECKING:
    from entrepot.catalog.settled import Numbered
    from entrepot.catalog.writing import Database
    from entrepot.model.ledger import PathRow


class PathPages:
    """Artifacts of members in order of path; asking on where the last page ended costs no new sort."""

    def __init__(self, database: Database, count: StatementCount) -> None:
        self._database, self._count = database, count
        self._session: Session | None = None
        self._rows: Generator[PathRow, None, None] | None = None
        self._at: tuple[str, tuple[str, int]] | None = None

    def page(self, run: Numbered, type_name: str, after: tuple[str, int], limit: int) -> list[PathRow]:
        """The next rows after a place; fewer than `limit` at the end."""
        with told(self._database.place):
            if self._rows is None or self._at != (type_name, after):
                self._rows = self._begin(run, type_name, after)
            rows = list(islice(self._rows, limit))
        self._at = (type_name, (rows[-1].relative_path, rows[-1].content)) if rows else None
        if len(rows) < limit:
            self.close()
        return rows

    def close(self) -> None:
        """Let the answer go."""
        rows, self._rows, self._at = self._rows, None, None
        session, self._session = self._session, None
        with told(self._database.place):
            if rows is not None:
                rows.close()
            if session is not None:
                session.undo()
                session.connection.close()

    def _begin(self, run: Numbered, type_name: str, after: tuple[str, int]) -> Generator[PathRow, None, None]:
        self.close()
        connection = self._database.open_reader()
        self._session = Session(connection, self._database.tongue, count=self._count)
        connection.execute(self._database.begin_reading)
        return settled.paths(self._session, run, type_name, after)
