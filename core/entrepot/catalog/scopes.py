"""Scopes of members: where each is listed, which end, what contradicts one.

A member's row names one scope. The further ones stand beside it, each with its own interval, so
that a member goes when the last of its scopes lets it go, and not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from entrepot.catalog import notes
from entrepot.catalog.batch import Batch
from entrepot.catalog.notes import Kept
from entrepot.catalog.reserved import OPEN
from entrepot.catalog.statement import PIECE, Statement
from entrepot.model.ledger import Contradiction

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run, Writer

_SURVEY: Final = Statement(
    f"SELECT EXISTS (SELECT 1 FROM kept WHERE run = :run AND name = '' AND kind = {Kept.REST:d}),"
    " EXISTS (SELECT 1 FROM further_scope WHERE repository = :repository AND removed = :open),"
    " EXISTS (SELECT 1 FROM declared WHERE run = :run AND scope IS NULL)"
    " OR EXISTS (SELECT 1 FROM declared_scope WHERE run = :run AND scope = '')"
)

#: What this run looked at: the scopes that it declared, refused something of or dropped; "" is no scope.
_GATHER: Final = Statement(
    f"{{insert}} kept (run, name, kind) SELECT :run, looked.scope, {Kept.TOUCHED:d} FROM ("
    "SELECT coalesce(scope, '') AS scope FROM declared WHERE run = :run GROUP BY scope"
    " UNION SELECT scope FROM declared_scope WHERE run = :run"
    " UNION SELECT scope FROM refusal WHERE run = :run AND scope IS NOT NULL"
    f" UNION SELECT name FROM kept WHERE run = :run AND kind = {Kept.DROPPED:d}"
    ") looked WHERE 1 = 1 {ignore}"
)


def _kept(scope: str) -> str:
    """Whether a scope stays unseen; "" does only with the rest."""
    return (
        f"(EXISTS (SELECT 1 FROM kept k WHERE k.run = :run AND k.name = {scope} AND k.kind = {Kept.SCOPE:d})"
        " OR (:rests = 1 AND NOT EXISTS (SELECT 1 FROM kept k"
        f" WHERE k.run = :run AND k.name = {scope} AND k.kind = {Kept.TOUCHED:d})))"
    )


def _declared(key: str, scope: str) -> str:
    return (
        f"(EXISTS (SELECT 1 FROM declared d WHERE d.run = :run AND d.key = {key} AND coalesce(d.scope, '') = {scope})"
        f" OR EXISTS (SELECT 1 FROM declared_scope d WHERE d.run = :run AND d.key = {key} AND d.scope = {scope}))"
    )


def _ended(key: str, scope: str) -> str:
    """Whether a scope was read and lacks the key; of a kept key nobody knows."""
    spared = f"EXISTS (SELECT 1 FROM kept k WHERE k.run = :run AND k.name = {key} AND k.kind = {Kept.KEY:d})"
    return f"NOT {_kept(scope)} AND NOT {_declared(key, scope)} AND NOT {spared}"


_LEFT: Final = Statement(
    "SELECT f.key, f.scope FROM further_scope f WHERE f.repository = :repository AND (f.key, f.scope) > (:key, :scope)"
    f" AND f.removed = :open AND f.added < :number AND {_ended('f.key', 'f.scope')}"
    " ORDER BY f.key, f.scope LIMIT :limit"
)
_LEAVE: Final = Statement(
    "UPDATE further_scope SET removed = :number FROM {batch} WHERE further_scope.repository = :repository"
    " AND further_scope.key = batch.key AND further_scope.scope = batch.scope AND further_scope.removed = :open"
    " AND further_scope.added < :number",
    Batch("key text, scope text"),
)

_HOME: Final = "coalesce(m.scope, '')"
_MOVING: Final = Statement(
    "SELECT m.key, min(f.scope) FROM further_scope f CROSS JOIN membership m WHERE f.repository = :repository"
    " AND f.key > :key AND f.removed = :open AND m.repository = :repository AND m.key = f.key AND m.removed = :open"
    f" AND m.added < :number AND {_ended('m.key', _HOME)} GROUP BY m.key ORDER BY m.key LIMIT :limit"
)
_BATCH: Final = Batch("key text, scope text")
#: A row ends and an equal one begins in the scope that is left; versions before say what they said.
_MOVE: Final = (
    Statement(
        "UPDATE membership SET removed = :number FROM {batch} WHERE membership.repository = :repository"
        " AND membership.key = batch.key AND membership.removed = :open AND membership.added < :number",
        _BATCH,
    ),
    Statement(
        "{insert} membership (repository, key, removed, added, content, scope)"
        " SELECT :repository, m.key, :open, :number, m.content, nullif(batch.scope, '') FROM {batch} JOIN membership m"
        " ON m.repository = :repository AND m.key = batch.key AND m.removed = :number WHERE 1 = 1 {ignore}",
        _BATCH,
    ),
    Statement(
        "DELETE FROM further_scope WHERE repository = :repository AND removed = :open AND added = :number"
        " AND (key, scope) IN (SELECT batch.key, batch.scope FROM {batch})",
        _BATCH,
    ),
    _LEAVE,
)

_REPLACED: Final = (
    "FROM membership o JOIN membership n ON n.repository = o.repository AND n.key = o.key AND n.removed = :open"
    " AND n.added = :number AND n.content <> o.content"
)
_ROWS: Final = f"o.repository = :repository AND o.removed = :number AND o.removed <> {OPEN}"
_MAY_CONTRADICT: Final = Statement(
    "SELECT EXISTS (SELECT 1 FROM kept WHERE run = :run AND name = ''"
    f" AND kind = {Kept.REST:d}) FROM kept WHERE run = :run AND kind IN ({Kept.SCOPE:d}, {Kept.REST:d})"
    f" AND EXISTS (SELECT 1 {_REPLACED} WHERE {_ROWS}) LIMIT 1"
)
_HAD_HOME: Final = "coalesce(o.scope, '')"
_CONTRADICTIONS: Final = Statement(
    "SELECT key, scope, declared, listed, had FROM ("
    f"SELECT n.key, n.scope, n.content AS declared, {_HAD_HOME} AS listed, o.content AS had {_REPLACED}"
    f" WHERE {_ROWS} AND {_kept(_HAD_HOME)} AND NOT {_declared('o.key', _HAD_HOME)}"
    f" UNION ALL SELECT n.key, n.scope, n.content, f.scope, o.content {_REPLACED}"
    " JOIN further_scope f ON f.repository = o.repository AND f.key = o.key AND f.removed = :open AND f.added < :number"
    f" WHERE {_ROWS} AND {_kept('f.scope')} AND NOT {_declared('o.key', 'f.scope')}"
    ") found WHERE (key, listed) > (:key, :listed) ORDER BY key, listed LIMIT :limit"
)
_STILL_LISTED: Final = Statement(
    "{insert} further_scope (repository, key, scope, removed, added)"
    " SELECT :repository, batch.key, batch.scope, :open, :number FROM {batch} WHERE 1 = 1 {ignore}",
    _BATCH,
)


class Survey(NamedTuple):
    """What decides which questions about scopes a run has to ask."""

    rests: bool
    several: bool
    unscoped: bool


def survey(writer: Writer, run: Run) -> Survey:
    """Look at what a run said, and at what there is."""
    with writer.reading() as session:
        return Survey(*map(bool, session.only(_SURVEY, **run.values)))


def gather(writer: Writer, run: Run) -> None:
    """Note the scopes that a run looked at, for a run that keeps the rest."""
    with run.transaction(writer) as session:
        session.change(_GATHER, **run.values)


def leave(writer: Writer, run: Run, *, rests: bool) -> None:
    """End the further listings that this run looked for and did not find."""
    key = scope = ""
    while True:
        with writer.reading() as session:
            found = session.all(_LEFT, **run.values, rests=int(rests), key=key, scope=scope, limit=PIECE)
        if not found:
            return
        with run.transaction(writer) as session:
            session.change(_LEAVE, found, **run.values)
            notes.void(session, run, (row[1] for row in found))
        key, scope = found[-1]


def move(writer: Writer, run: Run, *, rests: bool) -> None:
    """Let rows that name a scope which has their member no more name one that has."""
    key = ""
    while True:
        with writer.reading() as session:
            found = session.all(_MOVING, **run.values, rests=int(rests), key=key, limit=PIECE)
        if not found:
            return
        with run.transaction(writer) as session:
            for statement in _MOVE:
                session.change(statement, found, **run.values)
        key = found[-1][0]


def contradictions(writer: Writer, run: Run, after: tuple[str, str], limit: int) -> list[Contradiction]:
    """What a run declared otherwise than a kept scope, which goes on to list it."""
    with writer.reading() as session:
        row = session.one(_MAY_CONTRADICT, **run.values)
    if row is None:
        return []
    rests = bool(row[0])
    if rests:
        gather(writer, run)
    with writer.reading() as session:
        rows = session.all(_CONTRADICTIONS, **run.values, rests=int(rests), key=after[0], listed=after[1], limit=limit)
    with run.transaction(writer) as session:
        session.change(_STILL_LISTED, [(key, listed) for key, _, _, listed, _ in rows], **run.values)
    return [Contradiction(key, scope, new, listed or None, had) for key, scope, new, listed, had in rows]
