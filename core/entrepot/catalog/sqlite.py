"""SQLite: one file, one writer at a time across processes, readers that never wait.

Before 3.51.3 two connections that write or checkpoint at once can corrupt the log. So whoever may
write opens, writes, checkpoints and closes under one kernel lock beside the file, held for one
transaction. The kernel's queue is fair, which SQLite's own busy handler is not: it is not used.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from entrepot.catalog.connection import Connection
from entrepot.catalog.faults import CatalogMissing
from entrepot.catalog.leases import Claim, KernelClaim, busy, pruning
from entrepot.catalog.sqlite_batch import pack, relation
from entrepot.catalog.sqlite_connection import Readers, SqliteConnection
from entrepot.catalog.statement import PIECE, Tongue
from entrepot.failpoints import failpoint

if TYPE_CHECKING:
    import sqlalchemy

#: The oldest SQLite that knows all we say (UPDATE ... FROM, and upserts reading a batch).
OLDEST: Final = (3, 35, 0)

#: The log is copied into the file when it has this many pages of 4 KiB (64 MiB).
_LOG_PAGES: Final = 16_384

#: For who writes in small steps (4 MiB): the transaction that copies the log is the longest.
_SMALL_LOG_PAGES: Final = 1024

#: How a commit is synced that is to last; and one that only keeps its place in the log, which is synced
#: with the next one of the others, or before it is copied.
_LASTING, _IN_ORDER = "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"

_WRITER: Final = (
    _LASTING,
    "PRAGMA cache_size = -16000",
    f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}",
    f"PRAGMA journal_size_limit = {_LOG_PAGES * 4096}",
    # A statement that calls functions may fail halfway, so SQLite copies what it changes: not to a file.
    "PRAGMA temp_store = MEMORY",
)
_READER: Final = ("PRAGMA query_only = ON", "PRAGMA cache_size = -4000", "PRAGMA wal_autocheckpoint = 0")

#: Rows, then rows for each value of the first column, of the first two, ...
_EXPECTED: Final = (
    ("membership", "membership", "1000000 250000 2 1"),
    ("membership", "membership_added", "100000 25000 500 1 1"),
    ("membership", "membership_removed", "100000 25000 500 1"),
    ("membership", "membership_scope", "1000000 250000 10 2 1"),
    ("further_scope", "further_scope", "100000 25000 2 1 1"),
    ("further_scope", "further_scope_added", "10000 2500 500 1 1 1"),
    ("further_scope", "further_scope_removed", "10000 2500 500 1 1"),
    ("member_need", "member_need", "100000 25000 3 1 1"),
    ("member_need", "member_need_of", "100000 25000 3 2 1"),
    ("member_need", "member_need_added", "10000 2500 500 1 1 1"),
    ("member_need", "member_need_removed", "10000 2500 500 1 1"),
    ("published_file", "published_file", "100000 25000 2 2 1"),
    ("published_file", "published_file_added", "50000 12000 500 1 1 1"),
    ("published_file", "published_file_removed", "50000 12000 500 1 1"),
    ("content", "sqlite_autoindex_content_1", "1000000 3 1"),
    ("content_artifact", "content_artifact", "1000000 2 1"),
    ("content_artifact", "content_artifact_path", "1000000 3 1"),
    ("content_field", "content_field", "1000000 3 1 1"),
    ("content_field", "content_field_value", "1000000 300000 30 1"),
    ("artifact", "artifact", "1000000 1"),
    ("artifact_digest", "artifact_digest", "3000000 1000000 1 1"),
    ("holding", "holding", "1000000 1 1"),
    ("remote_artifact", "remote_artifact", "1000000 250000 2 1"),
    ("declared", "declared", "1000000 1000000 1"),
    ("declared_scope", "declared_scope", "100000 100000 2 1"),
    ("dependency", "dependency", "100000 100000 3 1"),
    ("dependency", "dependency_needs", "100000 100000 3 1"),
    ("unmet", "unmet", "1000 1000 1"),
    ("unmet", "unmet_round", "1000 1000 100 1"),
    ("kept", "kept", "10000 10000 1 1"),
    ("number", None, "2000"),
)


class SqliteDatabase:
    """A file in write-ahead mode."""

    begin_writing = "BEGIN IMMEDIATE"
    begin_reading = "BEGIN"
    has_revision = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_revision'"
    dialect = "sqlite"

    def __init__(self, path: Path, *, locks: Path, patience: float) -> None:
        self.path = path
        self.place = f"the catalog {self.path}"
        self._locks, self._patience, self._wrote = locks, patience, False
        self.tongue = Tongue(
            {
                "insert": "INSERT OR IGNORE INTO",
                "ignore": "",
                "differs": "IS NOT",
                "same": "IS",
                "hex": "hex(sha256)",
                "next_content": "(SELECT coalesce(max(id), 0) + 1 FROM content)",
                "share": "",
                "update": "",
                "unheld": "",
                "now": "CAST(strftime('%s', 'now') AS REAL)",
                "free": "1 = 1",
            },
            aggregate="json_group_array(X)",
            relation=relation,
            pack=pack,
        )
        self._readers = Readers(self._open_reader)

    def exists(self) -> bool:
        return self.path.exists()

    def missing(self) -> CatalogMissing:
        return CatalogMissing(f"there is no catalog {self.path}", remedy="make one with: entrepot init")

    @contextmanager
    def creating(self) -> Iterator[Connection]:
        """A connection to a file that need not be there yet, alone with it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.exclusive(), closing(self._open_maker()) as driver:
            connection = SqliteConnection(driver, sqlite3.Connection.close)
            with _made(connection):
                yield connection

    @contextmanager
    def migrating(self) -> Iterator[tuple[Connection, sqlalchemy.Connection]]:
        """The same, and once more as SQLAlchemy has it, for steps to a later revision."""
        # Importing it takes longer than most commands, and only a migration needs it.
        from sqlalchemy import create_engine  # noqa: PLC0415  # slow, and only a migration needs it
        from sqlalchemy.pool import NullPool  # noqa: PLC0415  # slow, and only a migration needs it

        how: dict[str, Any] = {"poolclass": NullPool, "isolation_level": "AUTOCOMMIT", "hide_parameters": True}
        engine = create_engine("sqlite://", creator=self._open_maker, **how)
        with self.exclusive(), engine.connect() as alchemy:
            driver = cast("sqlite3.Connection", alchemy.connection.driver_connection)
            # SQLAlchemy closes it by itself.
            connection = SqliteConnection(driver, lambda _: None)
            alchemy.begin()  # or Alembic would begin by itself, and end our transaction with its own
            with _made(connection):
                yield connection, alchemy

    def furnish(self, connection: Connection) -> None:
        """Write down the numbers that batches are cut by, and how many rows to expect where.

        SQLite never counts rows by itself, and counting them while a catalog is small would misguide
        it later. Told what a large catalog looks like, it keeps to plans that are right for one.
        """
        connection.execute_many("INSERT INTO number (n) VALUES (:n)", [{"n": n} for n in range(PIECE)])
        connection.execute("ANALYZE")
        connection.execute_many(
            "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:tbl, :idx, :stat)",
            [{"tbl": table, "idx": index, "stat": rows} for table, index, rows in _EXPECTED],
        )

    def copy(self, name: str) -> None:
        """Copy what is committed to a file beside the catalog, durably; whole, or not there."""
        whole = Path(f"{self.path}.{name}")
        part = Path(f"{whole}.part")
        failpoint("catalog.copy.clear")
        part.unlink(missing_ok=True)
        failpoint("catalog.copy")
        with closing(self._open_reader()) as ours, closing(sqlite3.connect(part)) as copied:
            ours.backup(copied)
        failpoint("catalog.copy.rename")
        part.rename(whole)
        _sync_folder(whole.parent)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Be the one who may write, in this process and every other; waits in the kernel's queue."""
        handle = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def open_writer(self, *, in_small_steps: bool = False) -> Connection:
        """A connection for one thread; to be called, used and closed under `exclusive`.

        In small steps it copies the log as soon as that takes as long as a transaction does.
        """
        self._wrote, connection = True, SqliteConnection(self._open_writer(), sqlite3.Connection.close)
        if in_small_steps:
            connection.execute(f"PRAGMA wal_autocheckpoint = {_SMALL_LOG_PAGES}")
        return connection

    def open_reader(self) -> Connection:
        return self._readers.lend()

    def begin(self, connection: Connection, *, lasting: bool) -> None:
        """Begin to write; waits a while for programs that know nothing of our lock."""
        connection.execute(_LASTING if lasting else _IN_ORDER)
        deadline = time.monotonic() + self._patience
        while True:
            try:
                connection.execute(self.begin_writing)
            except sqlite3.Error as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def count_rows(self, connection: Connection) -> None:
        """Nothing: what to expect was written down when the catalog was made."""

    def claim(self, repository: str) -> Claim:
        """Take the kernel lock that is a repository's lease here; gone with its process.

        Whoever looks whether a lease is dead holds it for a moment, alone with the file: nobody who
        would have it for good takes that moment for a run.
        """
        with self.exclusive():
            return self.claim_alone(repository)

    def claim_alone(self, repository: str) -> Claim:
        """The same, within a transaction that writes."""
        self._locks.mkdir(parents=True, exist_ok=True)
        return KernelClaim.take(self._locks / f"{quote(repository, safe='')}.lock", partial(busy, repository))

    def claim_pruning(self) -> Claim:
        """Take the kernel lock of the one prune; no repository's lock has a name like it."""
        self._locks.mkdir(parents=True, exist_ok=True)
        path = self._locks / ".pruning"
        return KernelClaim.take(path, partial(pruning, str(path)))

    def hold_still(self, connection: Connection, table: str, *, alone: bool = False) -> None:
        """Nothing: whoever writes is alone with the file."""

    def close(self) -> None:
        """Let readers go, for the log stays while one is there; then who wrote copies it into the file."""
        self._readers.close()
        if self._wrote:
            with suppress(sqlite3.Error, OSError), self.exclusive(), closing(self._open_writer()):
                failpoint("catalog.merge_log")

    def _open_maker(self) -> sqlite3.Connection:
        return self._connect("rwc", ("PRAGMA journal_mode = WAL", *_WRITER))

    def _open_writer(self) -> sqlite3.Connection:
        return self._connect("rw", _WRITER)

    def _open_reader(self) -> sqlite3.Connection:
        try:
            return self._connect("ro", _READER)
        except sqlite3.OperationalError:
            # A log needs a folder that can be written; a file without one can be read as it lies.
            ours = os.access in os.supports_effective_ids
            if os.access(self.path.parent, os.W_OK, effective_ids=ours) or self._log_is_there():
                raise
            return self._connect("ro&immutable=1", _READER)

    def _log_is_there(self) -> bool:
        log = Path(f"{self.path}-wal")
        return log.exists() and log.stat().st_size > 0

    def _connect(self, mode: str, settings: Sequence[str]) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self.path))}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=0.0 if mode.startswith("rw") else self._patience,
            cached_statements=256,
        )
        try:
            for setting in settings:
                connection.execute(setting)
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def _made(connection: Connection) -> Iterator[None]:
    """One transaction that makes or remakes the tables."""
    connection.execute("BEGIN IMMEDIATE")
    failpoint("catalog.create")
    yield
    failpoint("catalog.create.commit")
    connection.execute("COMMIT")
    failpoint("catalog.created")


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        failpoint("catalog.copy.sync")
        os.fsync(folder)
    finally:
        os.close(folder)
