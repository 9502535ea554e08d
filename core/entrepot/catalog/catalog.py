"""The catalog: opened once, read by many, written by one run for each repository."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from entrepot.catalog import artifacts, publications, runs
from entrepot.catalog.audit import Audit
from entrepot.catalog.faults import told
from entrepot.catalog.finished import FinishedVersion
from entrepot.catalog.inventory import Inventory
from entrepot.catalog.ledger import RunLedger
from entrepot.catalog.making import check, make
from entrepot.catalog.office import Office
from entrepot.catalog.pages import PathPages
from entrepot.catalog.reader import CatalogReader, unknown_repository
from entrepot.catalog.reserved import SHARED
from entrepot.catalog.rows import RunRequest
from entrepot.catalog.sqlite import SqliteDatabase
from entrepot.catalog.statement import Session, Statement, StatementCount
from entrepot.catalog.writing import Run, Writer
from entrepot.errors import ConfigurationError

if TYPE_CHECKING:
    from entrepot.catalog.collector import Collector
    from entrepot.catalog.writing import Database
    from entrepot.model.ledger import KeptArtifact, Ledger

__all__ = ["Catalog", "CatalogReader", "RunRequest"]

T = TypeVar("T")

#: After so many seconds without a beat a lease on PostgreSQL may be taken over.
TERM: Final = 60.0

#: For so many seconds another program may hold a SQLite file, a backup say, before that is an error.
PATIENCE: Final = 10.0

_READERS: Final = 4

#: Seconds that a run which is cancelled as it begins waits for its lease to be free again.
_ABANDONING: Final = 5.0

#: As SQLAlchemy writes it; nothing after a question mark means anything here.
_SQLITE: Final = re.compile(r"sqlite(?:\+pysqlite)?:///([^?]+)(?:\?.*)?", re.DOTALL)

_REPOSITORY: Final = Statement("SELECT id FROM repository WHERE name = :name")


class Catalog:
    """What is known, opened; safe for many threads to read, and for many runs to write."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database, self.clock = database, clock
        self.statements = StatementCount()
        self.reader = CatalogReader(database, self.statements)
        self.inventory = Inventory(database, self.statements)
        self.audit = Audit(database, self.statements)
        self._asking = ThreadPoolExecutor(_READERS, thread_name_prefix="entrepot-reader")
        self._keeping = ThreadPoolExecutor(1, thread_name_prefix="entrepot-keeper")
        self._keeper = Writer(database, self.statements)
        self._ledgers: dict[RunLedger, Run] = {}

    @classmethod
    def open(
        cls,
        url: str,
        *,
        locks: Path,
        clock: Callable[[], float] = time.time,
        create: bool = False,
        term: float = TERM,
        patience: float = PATIENCE,
    ) -> Self:
        """Open a catalog by its URL, or raise a `DepotError` that says why it cannot be used.

        With `create` it is made where there is none. Nothing is recovered here: what a dead run
        left is invisible, and undone by whoever next takes its repository's lease.
        """
        database = database_for(url, locks, term=term, patience=patience)
        try:
            if create:
                make(database)
            check(database)
        except BaseException:
            database.close()
            raise
        return cls(database, clock)

    def close(self) -> None:
        """Let everything go; a run that has not ended counts as dead."""
        for ledger in list(self._ledgers):
            ledger.close()
        self._keeping.submit(self._keeper.close).result()
        self._keeping.shutdown()
        self._asking.shutdown()
        self._database.close()

    async def begin(self, run: RunRequest) -> Ledger:
        """Take the repository's lease, undo what a dead run left, and give the new run its ledger.

        Raises `RepositoryBusy` at once when another run holds it. When it is cancelled, the lease is
        free again before that is told, unless undoing takes very long.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"entrepot-{run.repository}")
        beginning = thread.submit(self._begin, run, thread)
        try:
            return await asyncio.wrap_future(beginning)
        except asyncio.CancelledError:
            abandoning = asyncio.ensure_future(asyncio.to_thread(_abandon, beginning, thread))
            await asyncio.wait([abandoning], timeout=_ABANDONING)
            raise
        except BaseException:
            thread.shutdown(wait=False)
            raise

    def end_running(self, report: Mapping[str, Any], *, seconds: float) -> None:
        """Note that every run under way here has failed, for whoever ends the process next.

        For any thread. Gives up after so many seconds, without a word: the runs then count as dead.
        """
        noting = [
            threading.Thread(target=self._end_running, args=(run, report), daemon=True)
            for run in list(self._ledgers.values())
        ]
        for thread in noting:
            thread.start()
        for thread in noting:
            thread.join(seconds)

    def _end_running(self, run: Run, report: Mapping[str, Any]) -> None:
        with suppress(Exception):
            writer = Writer(self._database, self.statements)
            runs.end(writer, run, "failed", report, self.clock())
            runs.release(writer, run)

    def collector(self) -> Collector:
        """Take the catalog in hand for a prune: a context manager, one at a time for all processes."""
        from entrepot.catalog.collector import Collector  # noqa: PLC0415  # slow, and only a prune needs it

        return Collector(self._database, self.statements)

    async def ask(self, question: Callable[..., T], *args: Any) -> T:
        """Put a question to the reader without holding up the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._asking, partial(question, *args))

    async def keep_fetched(self, repository: str, artifact: KeptArtifact, *, private: bool) -> None:
        """Note bytes that were fetched on demand through a repository, which may have them from now on."""
        await asyncio.get_running_loop().run_in_executor(
            self._keeping, partial(self._keep_fetched, repository, artifact, private=private)
        )

    async def keep_body(self, sha256: bytes, body: bytes) -> None:
        """Put right bytes in place of a published page that the catalog itself holds."""
        await asyncio.get_running_loop().run_in_executor(self._keeping, partial(self._keep_body, sha256, body))

    def finished(self, repository: int, number: int) -> FinishedVersion:
        """A finished version, to be published once more; a repository by its own number. `close` it."""
        return FinishedVersion(self._database, self.statements, repository=repository, number=number)

    def _begin(self, request: RunRequest, thread: ThreadPoolExecutor) -> RunLedger:
        writer = Writer(self._database, self.statements)
        with told(self._database.place):
            claim = self._database.claim(request.repository)
        try:
            begun = runs.begin(writer, claim, request, self.clock())
        except BaseException:
            writer.close()
            claim.close()
            raise
        office = Office(
            mirror=request.mirror,
            clock=self.clock,
            pages=lambda: PathPages(self._database, self.statements),
            left=self._forget,
        )
        ledger = RunLedger(begun, writer=writer, claim=claim, thread=thread, office=office)
        self._ledgers[ledger] = begun.run
        return ledger

    def _forget(self, ledger: RunLedger) -> None:
        self._ledgers.pop(ledger, None)

    def _keep_fetched(self, repository: str, artifact: KeptArtifact, *, private: bool) -> None:
        with self._keeper.transaction() as session:
            artifacts.save(session, self._realm(session, repository) if private else SHARED, [artifact])

    def _keep_body(self, sha256: bytes, body: bytes) -> None:
        with self._keeper.transaction() as session:
            publications.keep_body(session, sha256, body)

    def _realm(self, session: Session, repository: str) -> int:
        row = session.one(_REPOSITORY, name=repository)
        if row is None:
            raise unknown_repository(session, repository)
        return int(row[0])


def _abandon(beginning: Future[RunLedger], thread: ThreadPoolExecutor) -> None:
    """Wait until a run has begun, and give up what it took; not on the run's own thread, which ends."""
    wait([beginning])
    if not beginning.cancelled() and beginning.exception() is None:
        beginning.result().close()
    thread.shutdown()


def database_for(url: str, locks: Path, *, term: float = TERM, patience: float = PATIENCE) -> Database:
    """The database that a URL means; `ConfigurationError` when it means none."""
    if (file := _SQLITE.fullmatch(url)) is not None:
        return SqliteDatabase(Path(file[1]), locks=locks, patience=patience)
    if url.startswith("postgresql"):
        # Importing SQLAlchemy takes longer than most commands on SQLite do.
        from entrepot.catalog.postgresql import open_postgresql  # noqa: PLC0415  # slow, and only PostgreSQL needs it

        if (database := open_postgresql(url, term=term)) is not None:
            return database
    raise _unusable(url)


def _unusable(url: str) -> ConfigurationError:
    scheme = url.partition(":")[0]
    return ConfigurationError(
        f"a catalog cannot be opened by a URL that begins with {scheme!r}",
        where="catalog in [depot]",
        remedy="write catalog = 'sqlite:////absolute/path/catalog.sqlite' or 'postgresql+psycopg://user@host/database'",
    )
