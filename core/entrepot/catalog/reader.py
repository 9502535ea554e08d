"""Reading: what is known of finished versions; each call sees one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import msgspec

from entrepot.catalog.faults import GoneVersion, told
from entrepot.catalog.locating import locate
from entrepot.catalog.rows import Located, VersionRow
from entrepot.catalog.statement import Session, Statement, StatementCount
from entrepot.errors import UnknownName

if TYPE_CHECKING:
    from entrepot.catalog.writing import Database

_ID: Final = Statement("SELECT id FROM repository WHERE name = :name")
_NAMES: Final = Statement("SELECT name FROM repository ORDER BY name")

_VERSION: Final = "SELECT number, completed, members, fingerprint, report, pruned FROM repository_version"
_FINISHED: Final = "repository = :repository AND completed IS NOT NULL"
_LATEST: Final = Statement(f"{_VERSION} WHERE {_FINISHED} ORDER BY number DESC LIMIT 1")
_NUMBERED: Final = Statement(f"{_VERSION} WHERE {_FINISHED} AND number = :number")
_AT: Final = Statement(f"{_VERSION} WHERE {_FINISHED} AND completed <= :moment ORDER BY number DESC LIMIT 1")


class CatalogReader:
    """Answers about what is finished; what a run has under construction never shows."""

    def __init__(self, database: Database, count: StatementCount) -> None:
        self._database, self._count = database, count

    def version(self, name: str, at: int | float | None = None) -> VersionRow:
        """The version with a number, the one that was latest at a moment, or the latest.

        Raises `UnknownName` when there is none, `GoneVersion` when it was pruned.
        """
        with self._reading() as session:
            repository = self._repository(session, name)
            if at is None:
                row = session.one(_LATEST, repository=repository)
            elif isinstance(at, int):
                row = session.one(_NUMBERED, repository=repository, number=at)
            else:
                row = session.one(_AT, repository=repository, moment=at)
        if row is None:
            raise _no_version(name, at)
        if row[5] is not None:
            raise GoneVersion(name, row[0])
        return _version_row(name, row)

    def locate(self, name: str, number: int, path: str) -> list[Located]:
        """Every answer for a path in a version; nothing when the version has nothing there."""
        with self._reading() as session:
            return locate(session, self._repository(session, name), number, path)

    def unknown(self, name: str) -> UnknownName:
        """The error for a repository that was never synced."""
        with self._reading() as session:
            return _unknown(session, name)

    def _repository(self, session: Session, name: str) -> int:
        row = session.one(_ID, name=name)
        if row is None:
            raise _unknown(session, name)
        repository: int = row[0]
        return repository

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with told(self._database.place), self._database.readers.connect() as connection:
            session = Session(connection, self._database.tongue, self._count)
            connection.exec_driver_sql(self._database.begin_reading)
            try:
                yield session
            finally:
                session.undo()


def _version_row(name: str, row: tuple[Any, ...]) -> VersionRow:
    number, completed, members, fingerprint, report = row[:5]
    return VersionRow(name, number, completed, members, fingerprint, msgspec.json.decode(report))


def _unknown(session: Session, name: str) -> UnknownName:
    names = [known for (known,) in session.all(_NAMES)]
    return UnknownName("repository", name, names, where="the catalog", remedy=f"sync it first: entrepot sync {name}")


def _no_version(name: str, at: float | None) -> UnknownName:
    what = "latest" if at is None else str(at) if isinstance(at, int) else f"at second {at:.0f}"
    return UnknownName(
        "version",
        f"{name}@{what}",
        (),
        remedy=f"see which there are: entrepot versions {name}; or make one: entrepot sync {name}",
    )
