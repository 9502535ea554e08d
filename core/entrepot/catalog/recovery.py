"""Recovery: undoing what a run wrote for a version that will not be, and sweeping up after runs.

All of it happens under the lease of whoever does it, in bounded transactions, and may be cut short
anywhere: whoever takes the lease next goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from entrepot.catalog.reserved import OPEN
from entrepot.catalog.statement import PIECE, Statement

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run, Writer


def _forgetting(table: str, key: str, added: str) -> Statement:
    return Statement(
        f"DELETE FROM {table} WHERE repository = :repository AND removed = :open AND ({key}) IN (SELECT {key}"
        f" FROM {table} WHERE repository = :repository AND removed = :open AND added = :number{added} LIMIT :limit)"
    )


def _reopening(table: str, key: str) -> Statement:
    return Statement(
        f"UPDATE {table} SET removed = :open WHERE repository = :repository AND removed = :number"
        f" AND ({key}) IN (SELECT {key} FROM {table} WHERE repository = :repository AND removed = :number"
        f" AND removed <> {OPEN} LIMIT :limit)"
    )


# What was added goes before what was removed comes back: each key has room for one open row.
_TABLES: Final = {
    "membership": "key",
    "further_scope": "key, scope",
    "member_need": "key, needs",
    "published_file": "relative_path, media_type",
}
_UNDO_LATER: Final = tuple(
    statement
    for table, key in _TABLES.items()
    for statement in (_forgetting(table, key, " AND added <> 1"), _reopening(table, key))
)
_UNDO_FIRST: Final = tuple(_forgetting(table, key, "") for table, key in _TABLES.items())

_SWEPT_BY_RUN: Final = {
    "declared": "key",
    "declared_scope": "key, scope",
    "declared_file": "relative_path, media_type",
    "dependency": "key, needs",
    "unmet": "key",
    "kept": "name",
}
_SWEEP: Final = tuple(
    Statement(
        f"DELETE FROM {table} WHERE run = :old AND ({key}) IN (SELECT {key} FROM {table} WHERE run = :old LIMIT :limit)"
    )
    for table, key in _SWEPT_BY_RUN.items()
)
#: Checkpoints of a run that came to nothing, and those that a good run replaced.
_SWEEP_CHECKPOINTS: Final = Statement(
    "DELETE FROM checkpoint WHERE repository = :repository AND (scope, run) IN (SELECT c.scope, c.run FROM run r"
    " JOIN checkpoint n ON n.run = r.id JOIN checkpoint c ON c.repository = n.repository AND c.scope = n.scope"
    " WHERE r.id = :old AND ((r.outcome IN ('completed', 'unchanged') AND c.run < n.run)"
    " OR (r.outcome NOT IN ('completed', 'unchanged') AND c.run = n.run)) LIMIT :limit)"
)
_UNSWEPT: Final = Statement(
    "SELECT id FROM run WHERE repository = :repository AND swept = false AND outcome IS NOT NULL ORDER BY id"
)
_SWEPT: Final = Statement("UPDATE run SET swept = true WHERE id = :old")


def undo(writer: Writer, run: Run) -> None:
    """Take back every row of the version under construction; nobody ever saw it."""
    for statement in _UNDO_FIRST if run.number == 1 else _UNDO_LATER:
        _until_none_is_left(writer, run, statement)


def sweep(writer: Writer, run: Run) -> None:
    """Delete what ended runs of this repository noted for themselves."""
    with writer.reading() as session:
        ended = [old for (old,) in session.all(_UNSWEPT, repository=run.repository)]
    for old in ended:
        for statement in (*_SWEEP, _SWEEP_CHECKPOINTS):
            _until_none_is_left(writer, run, statement, old=old)
        with run.transaction(writer) as session:
            session.change(_SWEPT, old=old)


def _until_none_is_left(writer: Writer, run: Run, statement: Statement, **values: Any) -> None:
    changed = PIECE
    while changed == PIECE:
        with run.transaction(writer) as session:
            changed = session.change(statement, **run.values, **values, limit=PIECE)
