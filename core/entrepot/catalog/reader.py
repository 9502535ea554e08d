"""Reading: what is known of finished versions; each call sees one moment."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from entrepot.catalog import artifacts, differing, everything, listing, paths, stories
from entrepot.catalog.faults import GoneVersion
from entrepot.catalog.locating import last_with, locate
from entrepot.catalog.rows import RepositoryRow, RunRow, VersionRow
from entrepot.catalog.snapshot import snapshot
from entrepot.catalog.statement import Session, Statement, StatementCount
from entrepot.errors import UnknownName
from entrepot.model.ledger import ContentRow, FailureRow, RefusalRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.catalog.rows import DiffRow, Located, Story
    from entrepot.catalog.writing import Database

_ID: Final = Statement("SELECT id FROM repository WHERE name = :name")
_REPOSITORIES: Final = Statement(
    "SELECT r.name, r.type, r.private, v.number, v.completed, coalesce(v.members, 0),"
    " (SELECT count(*) FROM repository_version c WHERE c.repository = r.id AND c.completed IS NOT NULL"
    " AND c.pruned IS NULL)"
    " FROM repository r LEFT JOIN repository_version v ON v.repository = r.id AND v.number ="
    " (SELECT max(l.number) FROM repository_version l WHERE l.repository = r.id AND l.completed IS NOT NULL)"
    " ORDER BY r.name"
)

_VERSION: Final = "SELECT number, completed, members, fingerprint, report, pruned FROM repository_version"
_FINISHED: Final = "repository = :repository AND completed IS NOT NULL"
_VERSIONS: Final = Statement(f"{_VERSION} WHERE {_FINISHED} AND pruned IS NULL ORDER BY number")
_LATEST: Final = Statement(f"{_VERSION} WHERE {_FINISHED} ORDER BY number DESC LIMIT 1")
_NUMBERED: Final = Statement(f"{_VERSION} WHERE {_FINISHED} AND number = :number")
_AT: Final = Statement(f"{_VERSION} WHERE {_FINISHED} AND completed <= :moment ORDER BY number DESC LIMIT 1")

_LAST_RUN: Final = Statement(
    "SELECT id, started, ended, outcome, number, report FROM run WHERE repository = :repository"
    " AND id < :before ORDER BY id DESC LIMIT 1"
)
_RETRIABLE: Final = Statement(
    "SELECT id, started, ended, outcome, number, report FROM run r WHERE repository = :repository"
    " AND id < :before AND (outcome IN ('completed', 'unchanged')"
    " OR (outcome = 'failed' AND EXISTS (SELECT 1 FROM failure f WHERE f.run = r.id)))"
    " ORDER BY id DESC LIMIT 1"
)
_FAILURES: Final = Statement(
    "SELECT key, stage, plugin, error, url, scope FROM failure WHERE run = :run AND repository = :repository"
    " ORDER BY key, id"
)
_REFUSALS: Final = Statement(
    "SELECT key, rule, reason, plugin, stage, scope, until, version, remedy FROM refusal WHERE run = :run"
    " AND repository = :repository ORDER BY key, id"
)

#: Above the number of every run.
_ABOVE_ALL: Final = 2**31 - 1

#: Sorts behind every key.
_END: Final = chr(0x10FFFF)


class CatalogReader:
    """Answers about what is finished; what a run has under construction never shows.

    Safe to use from many threads. Asking for a repository or version that is not there raises
    `UnknownName`, for one that was pruned `GoneVersion`.
    """

    def __init__(self, database: Database, count: StatementCount) -> None:
        self._reading = partial(snapshot, database, count)

    def repositories(self) -> list[RepositoryRow]:
        """Every repository that was ever synced, by name."""
        with self._reading() as session:
            rows = session.all(_REPOSITORIES)
        return [RepositoryRow(name, type_, bool(private), *rest) for name, type_, private, *rest in rows]

    def versions(self, name: str) -> list[VersionRow]:
        """The finished versions of a repository, oldest first."""
        with self._reading() as session:
            rows = session.all(_VERSIONS, repository=self._repository(session, name))
        return [_version_row(name, row) for row in rows]

    def version(self, name: str, at: int | float | None = None) -> VersionRow:
        """The version with a number, the one that was latest at a moment, or the latest."""
        with self._reading() as session:
            return self._version(session, self._repository(session, name), name, at)

    def members(self, name: str, number: int, *, after: str = "", limit: int = 1000) -> list[ContentRow]:
        """A page of a version's members in order of key, after the last key of the page before."""
        with self._reading() as session:
            return listing.members(session, *self._place(session, name, number), after=after, limit=limit)

    def diff(self, name: str, a: int, b: int, *, after: str = "", limit: int = 1000) -> list[DiffRow]:
        """A page of what differs from version `a` to version `b`, in order of key."""
        with self._reading() as session:
            repository, _ = self._place(session, name, a)
            self._place(session, name, b)
            return differing.within(session, repository, (a, b), after=after, limit=limit)

    def diff_between(
        self, one: tuple[str, int], other: tuple[str, int], *, after: str = "", limit: int = 1000
    ) -> list[DiffRow]:
        """The same between versions of two repositories, each given as name and number."""
        with self._reading() as session:
            places = self._place(session, *one), self._place(session, *other)
            return differing.between(session, *places, after=after, limit=limit)

    def locate(self, name: str, number: int, path: str) -> list[Located]:
        """Every answer for a path in a version; nothing when the version has nothing there."""
        with self._reading() as session:
            return locate(session, self._repository(session, name), number, path)

    def last_with(self, name: str, path: str) -> VersionRow | None:
        """The newest version that is kept and has something at a path; None where none has."""
        with self._reading() as session:
            repository = self._repository(session, name)
            number = last_with(session, repository, path)
            return None if number is None else self._version(session, repository, name, number)

    def children(self, name: str, number: int, folder: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """Names right below a folder ("" or ending in "/") in order; folders end in "/"."""
        with self._reading() as session:
            place = self._place(session, name, number)
            return listing.children(session, *place, folder=folder, after=after, limit=limit)

    def paths(self, name: str, number: int, *, after: str = "", limit: int = 1000) -> list[str]:
        """A page of all paths of a version in order, after the last path of the page before; empty at the end."""
        with self._reading() as session:
            return paths.paths(session, *self._place(session, name, number), after=after, limit=limit)

    def among(self, name: str, number: int, asked: Sequence[str]) -> set[str]:
        """Which of some paths, up to some thousand, a version has."""
        with self._reading() as session:
            return paths.among(session, *self._place(session, name, number), asked)

    def published(self, name: str, number: int, *, after: tuple[str, str] = ("", "")) -> list[Located]:
        """A page of a version's published files, after a path and media type; empty at the end."""
        with self._reading() as session:
            return everything.published_files(session, *self._place(session, name, number), after=after)

    def declared(self, name: str, number: int, *, after: tuple[str, str] = ("", "")) -> list[tuple[str, Located]]:
        """A page of the artifacts of members, each with the member's key, after a key and path."""
        with self._reading() as session:
            return everything.declared_files(session, *self._place(session, name, number), after=after)

    def last_run(self, name: str) -> RunRow | None:
        """The repository's latest run, whatever became of it; None before the first.

        A pull is none, as far as there are others: it says nothing of what it did not look at.
        """
        return self._last(name, _LAST_RUN)

    def last_telling_run(self, name: str) -> RunRow | None:
        """The latest run that says which units the repository lacks: it ended well, or for failed units.

        A pull is none, as far as there are others.
        """
        return self._last(name, _RETRIABLE)

    def failures(self, name: str, run: int) -> list[FailureRow]:
        """Units that a run gave up on, by key."""
        with self._reading() as session:
            rows = session.all(_FAILURES, repository=self._repository(session, name), run=run)
        return [FailureRow(*row) for row in rows]

    def refusals(self, name: str, run: int) -> list[RefusalRow]:
        """Units that a run left out on purpose, by key."""
        with self._reading() as session:
            rows = session.all(_REFUSALS, repository=self._repository(session, name), run=run)
        return [RefusalRow(*row) for row in rows]

    def keys(self, name: str, *, after: str = "", end: str = _END, limit: int = 5000) -> list[str]:
        """A page of the keys that anything is known of, in order: members then and now, refused, failed."""
        with self._reading() as session:
            return stories.keys(session, self._repository(session, name), after=after, end=end, limit=limit)

    def story(self, name: str, key: str) -> Story:
        """All that is known of one key; nothing when it was never heard of."""
        with self._reading() as session:
            return stories.story(session, self._repository(session, name), key)

    def read_again(self, name: str, scope: str | None, run: int) -> bool:
        """Whether a later run looked at a scope, rather than keep it unseen, and ended well."""
        with self._reading() as session:
            return stories.read_again(session, self._repository(session, name), scope, run)

    def adoptable(self, name: str, sha256: bytes) -> bool:
        """Whether a repository may have bytes that lie in storage without a row."""
        with self._reading() as session:
            return artifacts.adoptable(session, self._repository(session, name), [sha256])[0]

    def _last(self, name: str, statement: Statement) -> RunRow | None:
        """The latest of some runs that is no pull, or of pulls the latest where nothing else is."""
        latest = found = self._run(name, statement, before=_ABOVE_ALL)
        while found is not None and "pulled" in found.report:
            found = self._run(name, statement, before=found.id)
        return found or latest

    def _run(self, name: str, statement: Statement, *, before: int) -> RunRow | None:
        with self._reading() as session:
            row = session.one(statement, repository=self._repository(session, name), before=before)
        if row is None:
            return None
        number, started, ended, outcome, version, report = row
        return RunRow(number, started, ended, outcome, version, msgspec.json.decode(report))

    def _place(self, session: Session, name: str, number: int) -> tuple[int, int]:
        repository = self._repository(session, name)
        return repository, self._version(session, repository, name, number).number

    def _repository(self, session: Session, name: str) -> int:
        row = session.one(_ID, name=name)
        if row is None:
            raise unknown_repository(session, name)
        return int(row[0])

    def _version(self, session: Session, repository: int, name: str, at: int | float | None) -> VersionRow:
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


def unknown_repository(session: Session, name: str) -> UnknownName:
    """The error for a repository that was never synced."""
    names = [row[0] for row in session.all(_REPOSITORIES)]
    return UnknownName("repository", name, names, where="the catalog", remedy=f"sync it first: entrepot sync {name}")


def _version_row(name: str, row: tuple[Any, ...]) -> VersionRow:
    number, completed, members, fingerprint, report = row[:5]
    return VersionRow(name, number, completed, members, fingerprint, msgspec.json.decode(report))


def _no_version(name: str, at: float | None) -> UnknownName:
    what = "latest" if at is None else str(at) if isinstance(at, int) else f"at second {at:.0f}"
    return UnknownName(
        "version",
        f"{name}@{what}",
        (),
        remedy=f"see which there are: entrepot versions {name}; or make one: entrepot sync {name}",
    )
