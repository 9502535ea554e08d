"""Losses: which scopes of the latest version the one under construction has much less of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entrepot.catalog.schema import OPEN
from entrepot.catalog.statement import Session, Statement
from entrepot.model.ledger import ScopeLoss

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run

_MOST_SCOPES: Final = 20

_SAME_PLAN: Final = Statement(
    "SELECT 1 FROM repository_version v JOIN run r ON r.id = v.run"
    " WHERE v.repository = :repository AND v.number = :number - 1 AND r.plan = :plan"
)
# Only rows that this run closed are looked at, and none that it put another in the place of.
_LOST: Final = Statement(
    "SELECT m.scope, count(*) FROM membership m WHERE m.repository = :repository AND m.removed = :number"
    f" AND m.removed <> {OPEN} AND m.scope IS NOT NULL AND NOT EXISTS (SELECT 1 FROM membership o"
    " WHERE o.repository = m.repository AND o.key = m.key AND o.removed = :open)"
    " GROUP BY m.scope HAVING count(*) >= :least ORDER BY count(*) DESC, m.scope LIMIT :limit"
)
_HAD: Final = Statement(
    "SELECT count(*) FROM membership m WHERE m.repository = :repository AND m.scope = :scope"
    " AND m.added < :number AND m.removed >= :number"
)


def lost_scopes(session: Session, run: Run, least: int) -> list[ScopeLoss]:
    """Scopes that lost at least so many members, the largest losses first, and what they had.

    None when the latest version was made by another plan: what the operator asked for explains it.
    """
    if session.one(_SAME_PLAN, **run.values, plan=run.plan) is None:
        return []
    rows = session.all(_LOST, **run.values, least=least, limit=_MOST_SCOPES)
    return [ScopeLoss(scope, lost, session.only(_HAD, **run.values, scope=scope)[0]) for scope, lost in rows]
