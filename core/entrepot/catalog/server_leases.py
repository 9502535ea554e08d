"""Leases on a server: a row that is kept by beating, and a lock that a session holds."""

from __future__ import annotations

import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final, Self

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from entrepot.catalog.leases import pruning

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, Engine

_SHORTEST_BEAT: Final = 0.05


class RowClaim:
    """A thread that renews the lease's row by the database's clock, thrice in its term."""

    def __init__(self, engine: Engine, term: float) -> None:
        self._engine, self._term = engine, term
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def keep(self, repository: int, token: int) -> None:
        self._thread = threading.Thread(target=self._beat, args=(repository, token), name="entrepot-lease", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _beat(self, repository: int, token: int) -> None:
        while not self._ended.wait(max(self._term / 3, _SHORTEST_BEAT)):
            # A server out of reach is not the end: whether the lease outlived it, the token tells.
            try:
                with self._engine.connect() as connection:
                    connection.execute(_BEAT, {"repository": repository, "token": token})
            except DBAPIError:
                continue


class SessionClaim:
    """A lock that a server lets go when the connection that took it ends."""

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection, self._number = connection, number

    @classmethod
    def take(cls, engine: Engine, number: int) -> Self:
        """Take the lock, or raise the error for a depot that is being pruned."""
        connection = engine.connect()
        try:
            if not connection.execute(_LOCK, {"number": number}).scalar_one():
                raise pruning("the catalog", "another process")
        except BaseException:
            connection.close()
            raise
        return cls(connection, number)

    def keep(self, repository: int, token: int) -> None:
        """Nothing to do: the connection keeps it."""

    def close(self) -> None:
        # A server notices a closed connection when it looks: who comes right after would still be refused.
        with suppress(DBAPIError), closing(self._connection):
            self._connection.execute(_UNLOCK, {"number": self._number})


_LOCK = text("SELECT pg_try_advisory_lock(:number)")
_UNLOCK = text("SELECT pg_advisory_unlock(:number)")
_BEAT = text(
    "UPDATE lease SET beat = extract(epoch FROM clock_timestamp())::float8"
    " WHERE repository = :repository AND token = :token AND run IS NOT NULL"
)
