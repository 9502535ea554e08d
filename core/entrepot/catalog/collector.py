"""The collector: what a prune does to the catalog, one step after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

import attrs

from entrepot.catalog import artifacts, collection, condemning, contents, reach, retention, sources
from entrepot.catalog.condemning import NO_RUN, LiveRun
from entrepot.catalog.faults import told
from entrepot.catalog.statement import Session, Statement, StatementCount, pieces
from entrepot.catalog.writing import Writer

if TYPE_CHECKING:
    from types import TracebackType

    from entrepot.catalog.writing import Database

_REPOSITORIES: Final = Statement("SELECT id FROM repository ORDER BY id")
_REPOSITORY: Final = Statement("SELECT id FROM repository WHERE name = :name")


@attrs.frozen(kw_only=True)
class Collected:
    """What a prune deleted, or would."""

    contents: int = 0
    artifacts: int = 0
    artifact_bytes: int = 0


class Collector:
    """A catalog in the hands of the one prune; a context manager, used by one thread.

    Entering raises `DepotBusy` while another prune of the same catalog runs. Every step may
    be cut short anywhere: the next prune goes on.
    """

    def __init__(self, database: Database, count: StatementCount) -> None:
        self._database, self._count = database, count
        self._writer = Writer(database, count, in_small_steps=True)

    def __enter__(self) -> Self:
        with told(self._database.place):
            self._claim = self._database.claim_pruning()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._writer.close()
        finally:
            self._claim.close()

    def prunable(self, name: str, keep: int) -> tuple[tuple[int, int], list[int]]:
        """The repository with its first version that stays, and the numbers that go."""
        with self._reading() as session:
            (repository,) = session.only(_REPOSITORY, name=name)
            first = retention.first_kept(session, repository, keep)
            return (repository, first), retention.older(session, repository, first)

    def prune_versions(self, name: str, keep: int, *, now: float) -> list[int]:
        """Prune all but the latest versions; their numbers answer 410 from here on."""
        with self._reading() as session:
            (repository,) = session.only(_REPOSITORY, name=name)
        return retention.prune_versions(self._writer, repository, keep=keep, now=now)

    def reckon(self, firsts: reach.Firsts) -> Collected:
        """What would be collected with these versions gone, and no run under way; nothing is written."""
        dead = sum(map(len, reach.answers(self._reading, reach.ALL_CONTENTS, firsts)))
        count = size = 0
        for piece in reach.answers(self._reading, reach.ALL_ARTIFACTS, firsts):
            with self._reading() as session:
                found, octets = reach.sizes(session, piece)
            count, size = count + found, size + octets
        return Collected(contents=dead, artifacts=count, artifact_bytes=size)

    def condemn(self) -> None:
        """Forget what pruned versions alone had, and mark what nothing refers to."""
        for repository in self._repositories():
            retention.forget_pruned(self._writer, repository)
        condemning.condemn(self._database, self._writer, self._reading)

    def holding_up(self) -> list[LiveRun]:
        """The runs that may still need something that is marked; those that died are overtaken."""
        with self._reading() as session:
            mark = condemning.latest_mark(session)
        return [run for run in self.alive() if mark is not None and run.run <= mark]

    def alive(self) -> list[LiveRun]:
        """The runs under way; those that died are overtaken."""
        return condemning.live_runs(self._database, self._writer)

    def collect(self, remove: Callable[[bytes], None]) -> Collected:
        """Delete what is marked and no run may need; `remove` is given files to go, after their rows."""
        before = min((run.run for run in self.alive()), default=NO_RUN)
        condemning.acquit(self._writer, self._reading, (contents.revive, artifacts.revive))
        dead = collection.collect_contents(self._writer, self._reading, before)
        count, size = collection.collect_artifacts(
            self._database, self._writer, self._reading, before=before, remove=remove
        )
        collection.collect_bodies(self._database, self._writer, self._reading)
        for repository in self._repositories():
            sources.forget_abandoned(self._writer, self._reading, repository)
        return Collected(contents=dead, artifacts=count, artifact_bytes=size)

    def unknown(self, digests: Sequence[bytes]) -> list[bytes]:
        """Which of these no row names."""
        with self._reading() as session:
            return collection.unknown(session, digests)

    def remove_unknown(self, digests: Sequence[bytes], remove: Callable[[bytes], None]) -> int:
        """Remove files that no row names, as long as no run is under way; how many."""
        return sum(collection.remove_unknown(self._database, self._writer, some, remove) for some in pieces(digests))

    def _repositories(self) -> list[int]:
        with self._reading() as session:
            return [number for (number,) in session.all(_REPOSITORIES)]

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with told(self._database.place), self._database.open_reader() as connection:
            session = Session(connection, self._database.tongue, count=self._count)
            connection.execute(self._database.begin_reading)
            try:
                yield session
            finally:
                session.undo()
