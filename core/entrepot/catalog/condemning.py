"""Condemning: marking what nothing refers to, and knowing which runs may have found it before.

A mark is the highest number that any run had when it was set. Runs with higher numbers began
later: they find the mark, and take it away from whatever they go on to use. So what is marked may
go once every run up to that number has ended, and is still marked, and is still referred to by
nothing. No clock takes part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from entrepot.catalog import reach
from entrepot.catalog.batch import Batch
from entrepot.catalog.statement import Session, Statement
from entrepot.errors import RepositoryBusy

if TYPE_CHECKING:
    from entrepot.catalog.writing import Database, Writer

#: Later than any run.
NO_RUN: Final = 2**53

_HIGHEST: Final = Statement("SELECT coalesce(max(id), 0) FROM run")
_HELD: Final = Statement(
    "SELECT l.repository, l.token, l.run, l.holder, r.name FROM lease l JOIN repository r ON r.id = l.repository"
    " WHERE l.run IS NOT NULL ORDER BY l.repository"
)
_OVERTAKE: Final = Statement(
    "UPDATE lease SET token = token + 1, run = NULL WHERE repository = :repository AND token = :token"
    " AND run IS NOT NULL AND {free}"
)
_LATEST_MARK: Final = Statement(
    "SELECT max(mark) FROM (SELECT max(condemned) AS mark FROM content WHERE condemned IS NOT NULL"
    " UNION ALL SELECT max(condemned) FROM artifact WHERE condemned IS NOT NULL) marks"
)


def _marking(table: str, key: str, batch: Batch) -> tuple[Statement, Statement]:
    return (
        Statement(
            f"SELECT x.{key} FROM {{batch}} JOIN {table} x ON x.{key} = batch.{key} WHERE x.condemned IS NULL"
            f" ORDER BY x.{key} {{unheld}}",
            batch,
        ),
        Statement(
            f"UPDATE {table} SET condemned = :mark WHERE {key} IN (SELECT batch.{key} FROM {{batch}})",
            batch,
        ),
    )


_CONTENTS: Final = _marking("content", "id", Batch("id int"))
_ARTIFACTS: Final = _marking("artifact", "sha256", Batch("sha256 sha256"))

#: Marks of what a run that was under way has come to need; it is found without being revived.
_NEEDED_CONTENTS: Final = Statement(
    "SELECT id FROM content WHERE condemned IS NOT NULL INTERSECT SELECT content FROM membership ORDER BY 1"
)
_NEEDED_ARTIFACTS: Final = Statement(
    "SELECT sha256 FROM artifact WHERE condemned IS NOT NULL INTERSECT SELECT x.digest FROM (SELECT l.digest"
    " FROM content_artifact l JOIN content c ON c.id = l.content AND c.condemned IS NULL WHERE l.algorithm = 'sha256'"
    " UNION ALL SELECT d.artifact FROM content_artifact l JOIN content c ON c.id = l.content AND c.condemned IS NULL"
    " JOIN artifact_digest d ON d.algorithm = l.algorithm AND d.digest = l.digest WHERE l.algorithm <> 'sha256'"
    " UNION ALL SELECT p.sha256 FROM published_file p WHERE p.stored) x ORDER BY 1"
)


@attrs.frozen
class LiveRun:
    """A run that holds its repository."""

    run: int
    repository: str
    holder: str


def live_runs(database: Database, writer: Writer) -> list[LiveRun]:
    """The runs under way; a dead one is overtaken first, so that it can write no more should it awake."""
    with writer.reading() as session:
        held = session.all(_HELD)
    return [
        LiveRun(run, name, holder)
        for repository, token, run, holder, name in held
        if not _overtake(database, writer, name, repository=repository, token=token)
    ]


def _overtake(database: Database, writer: Writer, name: str, *, repository: int, token: int) -> bool:
    # Held only within the transaction: who begins a run just then waits for it, and is not refused.
    with writer.transaction() as session:
        try:
            claim = database.claim_alone(name)
        except RepositoryBusy:
            return False
        try:
            return session.change(_OVERTAKE, repository=repository, token=token) == 1
        finally:
            claim.close()


def highest_run(database: Database, session: Session) -> int:
    """The highest number of a run; a higher one begins after this transaction."""
    database.hold_still(session.connection, "run")
    (number,) = session.only(_HIGHEST)
    return int(number)


def latest_mark(session: Session) -> float | None:
    """The mark that lets the least go; None where nothing is condemned."""
    (mark,) = session.only(_LATEST_MARK)
    return mark if mark is None else float(mark)


def condemn(database: Database, writer: Writer, reading: reach.Reading) -> None:
    """Mark what nothing refers to, some thousand in a transaction."""
    for question, marking in ((reach.FRESH_CONTENTS, _CONTENTS), (reach.FRESH_ARTIFACTS, _ARTIFACTS)):
        for piece in reach.answers(reading, question):
            _mark(database, writer, marking, piece)


def _mark(database: Database, writer: Writer, marking: tuple[Statement, Statement], piece: Sequence[Any]) -> None:
    find, mark = marking
    with writer.transaction() as session:
        highest = highest_run(database, session)
        found = session.all(find, [(each,) for each in piece])
        if found:
            session.change(mark, found, mark=float(highest))


def acquit(writer: Writer, reading: reach.Reading, revive: Sequence[Callable[[Session, Sequence[Any]], None]]) -> None:
    """Take the mark from what is referred to again, contents first."""
    for question, take in zip((_NEEDED_CONTENTS, _NEEDED_ARTIFACTS), revive, strict=True):
        for piece in reach.answers(reading, question):
            with writer.transaction() as session:
                take(session, piece)
