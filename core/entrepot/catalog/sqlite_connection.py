"""Connections to a SQLite file: the driver's own, and a pool of those that read.

Importing SQLAlchemy takes longer than most commands; it wrote none of the statements, so on SQLite
they do without (decision 0042).
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence

#: Readers that are kept open for whoever asks next.
_KEPT: Final = 4


class SqliteConnection:
    """A connection in autocommit mode, given back by `done`."""

    lost: Final = False

    def __init__(self, driver: sqlite3.Connection, done: Callable[[sqlite3.Connection], None]) -> None:
        self.driver = driver
        self._done = done
        self._closed = False

    def execute(self, said: str, values: Mapping[str, Any] | None = None, /) -> sqlite3.Cursor:
        return self.driver.execute(said, values or {})

    def execute_many(self, said: str, rows: Sequence[Mapping[str, Any]], /) -> None:
        self.driver.executemany(said, rows)

    def stream(self, said: str, values: Mapping[str, Any], /) -> sqlite3.Cursor:
        return self.driver.execute(said, values)

    def rollback(self) -> None:
        self.driver.rollback()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._done(self.driver)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class Readers:
    """Connections that read, lent one after the other; more are opened while all are out."""

    def __init__(self, opened: Callable[[], sqlite3.Connection]) -> None:
        self._opened = opened
        self._idle: deque[sqlite3.Connection] = deque()
        self._closed = threading.Event()

    def lend(self) -> SqliteConnection:
        """A connection that nobody else has; closing it gives it back."""
        try:
            driver = self._idle.pop()
        except IndexError:
            driver = self._opened()
        return SqliteConnection(driver, self._back)

    def close(self) -> None:
        """Close what is idle; what is lent is closed when it comes back."""
        self._closed.set()
        while self._idle:
            self._idle.pop().close()

    def _back(self, driver: sqlite3.Connection) -> None:
        try:
            driver.rollback()
        except BaseException:
            driver.close()
            raise
        if self._closed.is_set() or len(self._idle) >= _KEPT:
            driver.close()
        else:
            self._idle.append(driver)
