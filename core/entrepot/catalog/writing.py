"""Writing: one connection of one run, and the fence that every transaction passes first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from entrepot.catalog.faults import told
from entrepot.catalog.reserved import OPEN, SHARED
from entrepot.catalog.statement import Session, Statement, StatementCount, Tongue
from entrepot.errors import LeaseLost
from entrepot.failpoints import failpoint

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import sqlalchemy

    from entrepot.catalog.connection import Connection
    from entrepot.catalog.faults import CatalogMissing
    from entrepot.catalog.leases import Claim

#: After so many rows written, and whenever they have become so many times more, tables are looked at.
_MANY, _GROWTH = 1000, 2

_FENCE: Final = Statement("SELECT token FROM lease WHERE repository = :repository {share}")


class Database(Protocol):
    """What differs between SQLite and PostgreSQL, beyond how they say things."""

    place: str
    tongue: Tongue
    begin_reading: str
    has_revision: str
    dialect: str

    def exists(self) -> bool: ...
    def missing(self) -> CatalogMissing: ...
    def creating(self) -> AbstractContextManager[Connection]: ...
    def migrating(self) -> AbstractContextManager[tuple[Connection, sqlalchemy.Connection]]: ...
    def furnish(self, connection: Connection) -> None: ...
    def copy(self, name: str) -> None: ...
    def exclusive(self) -> AbstractContextManager[None]: ...
    def open_writer(self, *, in_small_steps: bool = False) -> Connection: ...
    def open_reader(self) -> Connection: ...
    def begin(self, connection: Connection, *, lasting: bool) -> None: ...
    def claim(self, repository: str) -> Claim: ...
    def claim_alone(self, repository: str) -> Claim: ...
    def claim_pruning(self) -> Claim: ...
    def hold_still(self, connection: Connection, table: str, *, alone: bool = False) -> None: ...
    def count_rows(self, connection: Connection) -> None: ...
    def close(self) -> None: ...


@attrs.frozen(kw_only=True)
class Run:
    """A run that holds a lease; `values` are the parameters that most statements take."""

    id: int
    repository: int
    name: str
    number: int
    token: int
    realm: int
    plan: str
    values: dict[str, Any] = attrs.field(init=False, repr=False, eq=False)

    @values.default
    def _values(self) -> dict[str, Any]:
        return {
            "repository": self.repository,
            "run": self.id,
            "number": self.number,
            "realm": self.realm,
            "open": OPEN,
            "shared": SHARED,
        }

    def check(self, fence: tuple[Any, ...] | None) -> tuple[Any, ...]:
        """Give the lease's row back, or raise `LeaseLost` when it does not begin with our token."""
        if fence is None or fence[0] != self.token:
            raise LeaseLost(
                f"this sync of repository {self.name!r} lost its lease, and another run took over",
                where=f"run {self.id}",
                remedy=f"see what the other run makes: entrepot status; then, if need be: entrepot sync {self.name}",
            )
        return fence

    def fence(self, session: Session) -> None:
        """Check that the lease is still ours; within a transaction it then stays ours."""
        self.check(session.one(_FENCE, repository=self.repository))

    @contextmanager
    def transaction(self, writer: Writer) -> Iterator[Session]:
        """One transaction of the run, under its lease; it lasts when the version does."""
        with writer.transaction(lasting=False) as session:
            self.fence(session)
            yield session


class Writer:
    """A connection that may write, used by one thread at a time; opened when first needed.

    `in_small_steps` is for who is in no hurry: others then never wait for long, and all of it
    together takes a little longer.
    """

    def __init__(self, database: Database, count: StatementCount, *, in_small_steps: bool = False) -> None:
        self._database, self._count, self._in_small_steps = database, count, in_small_steps
        self._session: Session | None = None
        self._counted = 0

    @contextmanager
    def transaction(self, *, lasting: bool = True) -> Iterator[Session]:
        """One short transaction, all or nothing, durable when it ends; alone with the file on SQLite.

        One that need not last is durable at the latest when the next one is that does, whoever's it
        is: the log keeps their order. Until then a power cut may undo it, with all that came after it.
        """
        database = self._database
        with told(database.place), database.exclusive():
            session = self._opened()
            database.begin(session.connection, lasting=lasting)
            try:
                failpoint("catalog.begin")
                yield session
                failpoint("catalog.commit")
                session.connection.execute("COMMIT")
                failpoint("catalog.committed")
                if session.written > _GROWTH * self._counted:
                    self.count_rows()
            except BaseException:
                session.undo()
                self._forget_if_lost(session)
                raise

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """The same connection for reading; each statement sees what is committed."""
        with told(self._database.place):
            if self._session is None:
                with self._database.exclusive():
                    self._opened()
            session = self._opened()
            try:
                yield session
            except BaseException:
                self._forget_if_lost(session)
                raise

    def close(self) -> None:
        """Close the connection; on SQLite the log is copied into the file when the database is closed."""
        session, self._session = self._session, None
        if session is not None:
            with told(self._database.place), self._database.exclusive():
                try:
                    failpoint("catalog.close")
                finally:
                    session.connection.close()

    def count_rows(self) -> None:
        """Let the database see how large tables are, where much was written since it last did."""
        if self._session is not None and self._session.written >= self._counted + _MANY:
            self._counted = self._session.written
            with told(self._database.place):
                self._database.count_rows(self._session.connection)

    def _forget_if_lost(self, session: Session) -> None:
        """Connect anew next time, where the server closed the connection."""
        if session.connection.lost:
            session.connection.close()
            self._session = None

    def _opened(self) -> Session:
        if self._session is None:
            self._session = Session(
                self._database.open_writer(in_small_steps=self._in_small_steps),
                self._database.tongue,
                count=self._count,
            )
        return self._session
