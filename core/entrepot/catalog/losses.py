"""Losses: which scopes of the latest version the one under construction has much less of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entrepot.catalog.reserved import OPEN
from entrepot.catalog.statement import Session, Statement
from entrepot.model.ledger import ScopeLoss

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run

_MOST_SCOPES: Final = 20

_SAME_PLAN: Final = Statement(
    "SELECT 1 FROM repository_version v JOIN run r ON r.id = v.run"
    " WHERE v.repository = :repository AND v.number = :number - 1 AND r.plan = :plan"
)
_GONE: Final = (
    f"m.repository = :repository AND m.removed = :number AND m.removed <> {OPEN} AND NOT EXISTS (SELECT 1"
    " FROM membership o WHERE o.repository = m.repository AND o.key = m.key AND o.removed = :open)"
)
_HELD: Final = "{0}.added < :number AND {0}.removed >= :number"
# Only rows that this run closed are looked at, and none that it put another in the place of. What is
# gone was lost by every scope that listed it; what one of them still lists is not gone.
_LOST: Final = Statement(
    "SELECT scope, count(*) FROM ("
    f"SELECT m.scope AS scope FROM membership m WHERE {_GONE} AND m.scope IS NOT NULL"
    " UNION ALL SELECT f.scope FROM membership m CROSS JOIN further_scope f"
    f" WHERE {_GONE} AND f.repository = :repository AND f.key = m.key AND f.scope <> '' AND {_HELD.format('f')}"
    ") lost GROUP BY scope HAVING count(*) >= :least ORDER BY count(*) DESC, scope LIMIT :limit"
)
_HAD: Final = Statement(
    "SELECT (SELECT count(*) FROM membership m WHERE m.repository = :repository AND m.scope = :scope"
    f" AND {_HELD.format('m')}) + (SELECT count(*) FROM further_scope f WHERE f.repository = :repository"
    f" AND f.scope = :scope AND {_HELD.format('f')})"
)


def lost_scopes(session: Session, run: Run, least: int) -> list[ScopeLoss]:
    """Scopes that lost at least so many members, the largest losses first, and what they had.

    None when the latest version was made by another plan: what the operator asked for explains it.
    """
    if session.one(_SAME_PLAN, **run.values, plan=run.plan) is None:
        return []
    rows = session.all(_LOST, **run.values, least=least, limit=_MOST_SCOPES)
    return [ScopeLoss(scope, lost, session.only(_HAD, **run.values, scope=scope)[0]) for scope, lost in rows]
