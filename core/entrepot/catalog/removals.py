"""Removals: what the new version no longer has, as algebra over what was declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entrepot.catalog import notes, scopes
from entrepot.catalog.batch import Batch
from entrepot.catalog.notes import Kept
from entrepot.catalog.statement import PIECE, Statement

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run, Writer

_UNDECLARED: Final = (
    "m.removed = :open AND m.added < :number"
    " AND NOT EXISTS (SELECT 1 FROM declared d WHERE d.run = :run AND d.key = m.key)"
    f" AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.run = :run AND k.kind = {Kept.KEY:d} AND k.name = m.key)"
    f" AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.run = :run AND k.kind = {Kept.SCOPE:d} AND k.name = m.scope)"
    # Which of its scopes still have it was settled before.
    " AND NOT EXISTS (SELECT 1 FROM further_scope f WHERE f.repository = m.repository AND f.key = m.key"
    " AND f.removed = :open)"
)

#: Everything, in order of key.
_FROM_ALL: Final = Statement(
    f"SELECT m.key, '', m.scope FROM membership m WHERE m.repository = :repository AND m.key > :key AND {_UNDECLARED}"
    " ORDER BY m.key LIMIT :limit"
)
#: Members without a scope, which make up one part of their own.
_FROM_UNSCOPED: Final = Statement(
    "SELECT m.key, '', m.scope FROM membership m WHERE m.repository = :repository AND m.key > :key AND m.scope IS NULL"
    f" AND {_UNDECLARED} ORDER BY m.key LIMIT :limit"
)
#: Only the scopes that this run declared, refused something of or dropped, which are gathered first.
_FROM_TOUCHED: Final = Statement(
    "SELECT m.key, t.name, m.scope FROM kept t CROSS JOIN membership m"
    f" WHERE t.run = :run AND t.kind = {Kept.TOUCHED:d} AND t.name >= :scope"
    " AND m.repository = :repository AND m.scope = t.name"
    f" AND (t.name > :scope OR m.key > :key) AND {_UNDECLARED} ORDER BY t.name, m.key LIMIT :limit"
)
_CLOSE: Final = Statement(
    "UPDATE membership SET removed = :number WHERE repository = :repository AND removed = :open"
    " AND added < :number AND key IN (SELECT batch.key FROM {batch})",
    Batch("key text"),
)


def remove_undeclared(writer: Writer, run: Run) -> int:
    """Close open rows that no scope declared or kept, some thousand at a time."""
    seen = scopes.survey(writer, run)
    if seen.rests:
        scopes.gather(writer, run)
    if seen.several:
        scopes.leave(writer, run, rests=seen.rests)
    if seen.rests:
        removed = _close(writer, run, _FROM_TOUCHED)
        removed += _close(writer, run, _FROM_UNSCOPED) if seen.unscoped else 0
    else:
        removed = _close(writer, run, _FROM_ALL)
    if seen.several:
        scopes.move(writer, run, rests=seen.rests)
    return removed


def _close(writer: Writer, run: Run, undeclared: Statement) -> int:
    # Nobody else writes this repository's members, so what is read here is still so when it is closed.
    removed, key, scope = 0, "", ""
    while True:
        with writer.reading() as session:
            found = session.all(undeclared, **run.values, key=key, scope=scope, limit=PIECE)
        if not found:
            return removed
        with run.transaction(writer) as session:
            removed += session.change(_CLOSE, [(row[0],) for row in found], **run.values)
            notes.void(session, run, (row[2] for row in found))
        key, scope, _ = found[-1]
