"""Connections to a PostgreSQL server, out of SQLAlchemy's pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from entrepot.catalog.statement import PIECE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy


class PostgresConnection:
    """A connection in autocommit mode, lent by a pool."""

    def __init__(self, alchemy: sqlalchemy.Connection) -> None:
        self.alchemy = alchemy

    @property
    def lost(self) -> bool:
        return self.alchemy.invalidated

    def execute(self, said: str, values: Mapping[str, Any] | None = None, /) -> sqlalchemy.CursorResult[Any]:
        return self.alchemy.exec_driver_sql(said, None if values is None else dict(values))

    def execute_many(self, said: str, rows: Sequence[Mapping[str, Any]], /) -> None:
        self.alchemy.exec_driver_sql(said, [dict(row) for row in rows])

    def stream(self, said: str, values: Mapping[str, Any], /) -> sqlalchemy.CursorResult[Any]:
        options = {"stream_results": True, "yield_per": PIECE}
        return self.alchemy.exec_driver_sql(said, dict(values), execution_options=options)

    def rollback(self) -> None:
        driver = self.alchemy.connection.driver_connection
        if driver is not None:
            driver.rollback()

    def close(self) -> None:
        self.alchemy.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
