"""What can be wrong with a catalog, each with its remedy, and how drivers' errors become these."""

from __future__ import annotations

import errno
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from entrepot.errors import ConfigurationError, DepotError, EntrepotError


class CatalogMissing(DepotError):
    """There is no catalog where one was expected."""


class CatalogDamaged(DepotError):
    """The catalog's file is not, or no longer, what this program wrote."""


class CatalogNewer(DepotError):
    """The catalog was made by a newer entrepot than this one."""


class CatalogFull(DepotError):
    """There is no room to write the catalog."""


class CatalogReadOnly(DepotError):
    """The catalog may be read but not written."""


class CatalogLocked(DepotError):
    """Another program holds the catalog and does not let go."""


class CatalogUnavailable(DepotError):
    """The catalog's file cannot be read, or its server does not answer."""


class BytesGone(DepotError):
    """Bytes that were found in storage went away before their row was committed."""

    def __init__(self, sha256: bytes) -> None:
        super().__init__(
            f"the stored bytes sha256:{sha256.hex()} went away before the catalog knew of them",
            remedy="sync again; they are downloaded anew",
        )
        self.sha256 = sha256


class GoneVersion(ConfigurationError):
    """A version that was, and was pruned; its number is never used again."""

    def __init__(self, repository: str, number: int) -> None:
        super().__init__(
            f"version {number} of repository {repository!r} was pruned",
            remedy=f"use a version that is still there: entrepot versions {repository}",
        )
        self.repository, self.number = repository, number


_Fault = tuple[type[DepotError], str, str]

_DAMAGED: Final[_Fault] = (
    CatalogDamaged,
    "the catalog is damaged",
    "put a backup of it in place; without one, move it away, run: entrepot init, and sync again "
    "(what upstreams still have is downloaded anew)",
)
_READ_ONLY: Final[_Fault] = (
    CatalogReadOnly,
    "the catalog may not be written",
    "give this user the right to write the file and its folder (or the tables), and sync again",
)
_UNAVAILABLE: Final[_Fault] = (
    CatalogUnavailable,
    "the catalog cannot be reached",
    "check that its disk or server is up and that this user may use it, then try again",
)

_FULL: Final[_Fault] = (CatalogFull, "the disk is full", "make room on the catalog's disk, and sync again")

_TOO_MANY: Final[_Fault] = (
    CatalogUnavailable,
    "the database server takes no more connections",
    "end sessions that nobody needs, or raise the server's max_connections, then try again",
)

#: How the server says so: the driver gives no code for what happens before there is a connection.
_SAYS_TOO_MANY: Final = ("too many clients", "too many connections", "connection slots are reserved")

_ERRNO: Final[dict[int, _Fault]] = {
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
    errno.EROFS: _READ_ONLY,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
}

#: By the beginning of SQLite's error name, and of PostgreSQL's SQLSTATE.
_FAULTS: Final[dict[str, _Fault]] = {
    "SQLITE_FULL": _FULL,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_PERM": _READ_ONLY,
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_NOTADB": _DAMAGED,
    "SQLITE_BUSY": (
        CatalogLocked,
        "another program has locked the catalog",
        "close programs that have the catalog open for writing (a database browser, a backup), and try again",
    ),
    "SQLITE_LOCKED": (CatalogLocked, "the catalog is locked", "end the other use of it, and try again"),
    "SQLITE_CANTOPEN": _UNAVAILABLE,
    "SQLITE_IOERR": _UNAVAILABLE,
    "53100": (CatalogFull, "the database server's disk is full", "make room on the server's disk, and sync again"),
    "25006": _READ_ONLY,
    "42501": _READ_ONLY,
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
    "3D000": (CatalogMissing, "the server has no such database", "create the database, then run: entrepot init"),
    "55P03": (CatalogLocked, "another session holds a lock on the catalog", "end that session, and try again"),
    "40P01": (CatalogLocked, "the database server broke a deadlock", "sync again; what was saved is kept"),
    "40001": (
        CatalogLocked,
        "the database server gave way to another transaction",
        "sync again; what was saved is kept",
    ),
    "53300": _TOO_MANY,
    "54000": (
        DepotError,
        "a key, scope or path is longer than PostgreSQL can find things by",
        "leave out what has a name of more than some 2,600 bytes, or keep this depot's catalog in SQLite",
    ),
    "08": _UNAVAILABLE,
    "28": _UNAVAILABLE,
    "53": _UNAVAILABLE,
    "57P": _UNAVAILABLE,
}


@contextmanager
def told(place: str) -> Iterator[None]:
    """Turn what a driver raises into a `DepotError` that names the catalog and a remedy."""
    try:
        yield
    except EntrepotError:
        raise
    except _raised_by_drivers() as error:
        raise fault(getattr(error, "orig", None) or error, place) from error


def _raised_by_drivers() -> tuple[type[Exception], ...]:
    """What SQLite's driver raises, and SQLAlchemy: who has not imported that cannot have raised it."""
    alchemy = sys.modules.get("sqlalchemy.exc")
    return (sqlite3.Error, OSError) if alchemy is None else (sqlite3.Error, OSError, alchemy.SQLAlchemyError)


def fault(error: BaseException, place: str) -> DepotError:
    """The `DepotError` for a driver's error."""
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or ""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    known = next((known for beginning, known in _FAULTS.items() if code.startswith(beginning)), None)
    if known is None and isinstance(error, OSError):
        known = _ERRNO.get(error.errno or 0, _UNAVAILABLE)
    if known is None and not code and type(error).__name__ == "OperationalError":
        known = _TOO_MANY if any(words in text for words in _SAYS_TOO_MANY) else _UNAVAILABLE
    if known is not None:
        kind, what, remedy = known
        # What the driver says has addresses and paths in it: it goes where clients are not told of.
        return kind(what, f"{place} ({text})", remedy)
    return DepotError(
        f"the catalog gave an error it should not ({type(error).__name__}: {text})",
        place,
        "run again with --debug, and report it with what that shows",
    )
