"""What a repository knew of keys before this run: bytes that its versions had, and what was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entrepot.catalog.batch import Batch
from entrepot.catalog.statement import Session, Statement, pieces
from entrepot.model.ledger import Appearance, Past, RefusalRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.catalog.writing import Run

# What this run closed is part of the latest version all the same, and what it added is not yet.
_APPEARANCES: Final = Statement(
    "SELECT m.key, m.content, a.relative_path, a.algorithm, a.digest, v.completed,"
    " CASE WHEN m.removed IN (:open, :number) THEN 1 ELSE 0 END"
    " FROM membership m JOIN content_artifact a ON a.content = m.content"
    " JOIN repository_version v ON v.repository = m.repository AND v.number = m.added"
    " WHERE m.repository = :repository AND m.added < :number AND v.completed IS NOT NULL"
    " AND m.key IN (SELECT batch.key FROM {batch}) ORDER BY m.key, m.content",
    Batch("key text"),
)
_REFUSALS: Final = Statement(
    "SELECT key, rule, reason, plugin, stage, scope, until, version, remedy FROM refusal"
    " WHERE repository = :repository AND run < :run AND key IN (SELECT batch.key FROM {batch}) ORDER BY key, id",
    Batch("key text"),
)


def past(session: Session, run: Run, keys: Sequence[str]) -> Past:
    """Appearances and refusals of all keys; refusals also of runs that came to nothing."""
    appearances: list[Appearance] = []
    refusals: list[RefusalRow] = []
    for piece in pieces(list(dict.fromkeys(keys))):
        batch = [(key,) for key in piece]
        rows = session.all(_APPEARANCES, batch, **run.values)
        appearances += [Appearance._make((*said, bool(is_latest))) for *said, is_latest in rows]
        refusals += [RefusalRow(*row) for row in session.all(_REFUSALS, batch, **run.values)]
    return Past(appearances, refusals)
