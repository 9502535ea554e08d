"""Collection: deleting what was condemned, rows first and files after them.

Each transaction looks once more whether what it deletes is still condemned. A file goes only where
there is no row of it, no run under way that may be about to commit one, and nobody who can commit
one before it is gone. Files that must stay for that reason are litter; the next prune takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from entrepot.catalog import reach
from entrepot.catalog.batch import Batch
from entrepot.catalog.condemning import highest_run
from entrepot.catalog.statement import Session, Statement

if TYPE_CHECKING:
    from entrepot.catalog.writing import Database, Writer

#: Contents and artifacts of one transaction: each is several rows in several indexes.
_CONTENTS_AT_ONCE: Final = 500
_ARTIFACTS_AT_ONCE: Final = 500

_CONTENT: Final = Batch("id int")
_ARTIFACT: Final = Batch("sha256 sha256")

# Not a join with the repositories: SQLite would read all of their members into a filter each time.
_STILL_CONTENTS: Final = Statement(
    "SELECT x.id FROM {batch} JOIN content x ON x.id = batch.id WHERE x.condemned < :before"
    " AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.repository IN (SELECT id FROM repository)"
    " AND m.key = x.key AND m.content = x.id) ORDER BY x.id {unheld}",
    _CONTENT,
)
_DELETE_CONTENTS: Final = tuple(
    Statement(f"DELETE FROM {table} WHERE {key} IN (SELECT batch.id FROM {{batch}})", _CONTENT)
    for table, key in (("content_artifact", "content"), ("content_field", "content"), ("content", "id"))
)
_DELETE_SOURCES: Final = Statement(
    "DELETE FROM remote_artifact WHERE repository = :repository AND content IN (SELECT batch.id FROM {batch})",
    _CONTENT,
)
_REPOSITORIES: Final = Statement("SELECT id FROM repository ORDER BY id")

_STILL_ARTIFACTS: Final = Statement(
    "SELECT x.sha256, x.size FROM {batch} JOIN artifact x ON x.sha256 = batch.sha256 WHERE x.condemned < :before"
    " ORDER BY x.sha256 {unheld}",
    _ARTIFACT,
)
_DELETE_OF_ARTIFACTS: Final = tuple(
    Statement(f"DELETE FROM {table} WHERE artifact IN (SELECT batch.sha256 FROM {{batch}})", _ARTIFACT)
    for table in ("artifact_digest", "holding")
)
_DELETE_ARTIFACTS: Final = Statement(
    "DELETE FROM artifact WHERE sha256 IN (SELECT batch.sha256 FROM {batch})", _ARTIFACT
)
_KNOWN: Final = Statement("SELECT a.sha256 FROM {batch} JOIN artifact a ON a.sha256 = batch.sha256", _ARTIFACT)
_ANY_RUN: Final = Statement("SELECT 1 FROM lease WHERE run IS NOT NULL LIMIT 1")

_NAMED_BODIES: Final = Statement(
    "SELECT DISTINCT p.sha256 FROM published_file p WHERE NOT p.stored"
    " AND p.sha256 IN (SELECT batch.sha256 FROM {batch})",
    _ARTIFACT,
)
_DELETE_BODIES: Final = Statement(
    "DELETE FROM published_body WHERE sha256 IN (SELECT batch.sha256 FROM {batch})", _ARTIFACT
)


def collect_contents(writer: Writer, reading: reach.Reading, before: int) -> int:
    """Delete contents condemned before a run, with all that hangs on them; how many."""
    deleted = 0
    for piece in reach.answers(reading, reach.DOOMED_CONTENTS, size=_CONTENTS_AT_ONCE, before=before):
        with writer.transaction() as session:
            deleted += _delete_contents(session, piece, before)
    return deleted


def _delete_contents(session: Session, piece: Sequence[int], before: int) -> int:
    still = session.all(_STILL_CONTENTS, [(number,) for number in piece], before=before)
    if not still:
        return 0
    batch = session.pack(_CONTENT, still)
    for (repository,) in session.all(_REPOSITORIES):
        session.change(_DELETE_SOURCES, batch, repository=repository)
    for statement in _DELETE_CONTENTS:
        session.change(statement, batch)
    return len(still)


def collect_artifacts(
    database: Database,
    writer: Writer,
    reading: reach.Reading,
    *,
    before: int,
    remove: Callable[[bytes], None],
) -> tuple[int, int]:
    """Delete artifacts condemned before a run, then their files; how many, and their bytes."""
    count = size = 0
    for piece in reach.answers(reading, reach.DOOMED_ARTIFACTS, size=_ARTIFACTS_AT_ONCE, before=before):
        with writer.transaction() as session:
            gone = _delete_artifacts(session, piece, before)
        remove_unknown(database, writer, [sha256 for sha256, _ in gone], remove)
        count, size = count + len(gone), size + sum(octets for _, octets in gone)
    return count, size


def _delete_artifacts(session: Session, piece: Sequence[bytes], before: int) -> list[tuple[bytes, int]]:
    still = session.all(_STILL_ARTIFACTS, [(digest,) for digest in piece], before=before)
    if still:
        batch = session.pack(_ARTIFACT, [(digest,) for digest, _ in still])
        for statement in (*_DELETE_OF_ARTIFACTS, _DELETE_ARTIFACTS):
            session.change(statement, batch)
    return [(bytes(digest), size) for digest, size in still]


def remove_unknown(
    database: Database, writer: Writer, digests: Sequence[bytes], remove: Callable[[bytes], None]
) -> int:
    """Remove the files that no row names, unless a run is under way; how many digests.

    A run may have written one of them, or found it there, and be about to commit its row. Fetches on
    demand look again as they commit theirs, and fetch once more what is gone.
    """
    if not digests:
        return 0
    with writer.transaction() as session:
        database.hold_still(session.connection, "run")
        database.hold_still(session.connection, "artifact")
        if session.one(_ANY_RUN) is not None:
            return 0
        gone = unknown(session, digests)
        if gone:
            # Of a fetch that was noted while its row went, something may be left.
            for statement in _DELETE_OF_ARTIFACTS:
                session.change(statement, [(digest,) for digest in gone])
        for digest in gone:
            remove(digest)
    return len(gone)


def unknown(session: Session, digests: Sequence[bytes]) -> list[bytes]:
    """Which of these no row names."""
    known = {bytes(digest) for (digest,) in session.all(_KNOWN, [(digest,) for digest in digests])}
    return [digest for digest in digests if digest not in known]


def collect_bodies(database: Database, writer: Writer, reading: reach.Reading) -> int:
    """Delete published bodies that no file names; how many.

    A file that comes to name one is looked for again only where a run has begun or was under way:
    nobody else publishes.
    """
    with writer.transaction() as session:
        highest = highest_run(database, session)
        quiet = session.one(_ANY_RUN) is None
    deleted = 0
    for piece in reach.answers(reading, reach.BODIES, size=_ARTIFACTS_AT_ONCE):
        with writer.transaction() as session:
            quiet = quiet and highest_run(database, session) == highest
            deleted += _delete_bodies(database, session, piece, quiet=quiet)
    return deleted


def _delete_bodies(database: Database, session: Session, piece: Sequence[bytes], *, quiet: bool) -> int:
    database.hold_still(session.connection, "published_body", alone=True)
    batch = [(digest,) for digest in piece]
    if not quiet:
        named = {bytes(digest) for (digest,) in session.all(_NAMED_BODIES, batch)}
        batch = [(digest,) for digest in piece if bytes(digest) not in named]
    return session.change(_DELETE_BODIES, batch) if batch else 0
