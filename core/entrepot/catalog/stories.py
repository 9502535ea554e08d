"""Stories: what the catalog knows of one key, and which keys it knows anything of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from entrepot.catalog.reserved import OPEN
from entrepot.catalog.rows import FailureNote, RefusalNote, RunRow, Stay, Story
from entrepot.catalog.statement import Session, Statement
from entrepot.model.ledger import FailureRow, RefusalRow

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Members of versions that are finished, of those the keys in a range.
_MEMBERS: Final = Statement(
    "SELECT DISTINCT key FROM membership WHERE repository = :repository AND key > :after AND key < :end"
    " AND added <= :number ORDER BY key LIMIT :limit"
)
_REFUSED: Final = Statement(
    "SELECT DISTINCT key FROM refusal WHERE repository = :repository AND key > :after AND key < :end"
    " ORDER BY key LIMIT :limit"
)
_FAILED: Final = Statement(
    "SELECT DISTINCT key FROM failure WHERE repository = :repository AND key > :after AND key < :end"
    " ORDER BY key LIMIT :limit"
)
_LATEST: Final = Statement(
    "SELECT coalesce(max(number), 0) FROM repository_version WHERE repository = :repository AND completed IS NOT NULL"
)
_STAYS: Final = Statement(
    "SELECT m.added, m.removed, m.scope, v.run FROM membership m JOIN repository_version v"
    " ON v.repository = m.repository AND v.number = m.added WHERE m.repository = :repository AND m.key = :key"
    " AND m.added <= :number ORDER BY m.added"
)
_RUN: Final = "r.id, r.started, r.ended, r.outcome, r.number"
_REFUSALS: Final = Statement(
    f"SELECT {_RUN}, f.key, f.rule, f.reason, f.plugin, f.stage, f.scope, f.until, f.version, f.remedy"
    " FROM refusal f JOIN run r ON r.id = f.run WHERE f.repository = :repository AND f.key = :key"
    " ORDER BY f.id DESC LIMIT :limit"
)
_FAILURES: Final = Statement(
    f"SELECT {_RUN}, f.key, f.stage, f.plugin, f.error, f.url, f.scope"
    " FROM failure f JOIN run r ON r.id = f.run WHERE f.repository = :repository AND f.key = :key"
    " ORDER BY f.id DESC LIMIT :limit"
)

#: Runs after one that tell something of a scope, so that they did not keep it unseen: who keeps notes nothing.
_READ_AGAIN: Final = Statement(
    "SELECT DISTINCT r.id, r.report FROM run r JOIN ("
    " SELECT run FROM refusal WHERE repository = :repository AND scope {same} :scope AND run > :run"
    " UNION SELECT run FROM failure WHERE repository = :repository AND scope {same} :scope AND run > :run"
    " UNION SELECT run FROM checkpoint WHERE repository = :repository AND scope = :scope AND run > :run"
    " UNION SELECT v.run FROM repository_version v JOIN membership m ON m.repository = v.repository"
    " AND m.added = v.number AND m.added <> 1 WHERE v.repository = :repository AND v.run > :run"
    " AND m.scope {same} :scope"
    " UNION SELECT v.run FROM repository_version v JOIN membership m ON m.repository = v.repository"
    f" AND m.removed = v.number AND m.removed <> {OPEN} WHERE v.repository = :repository AND v.run > :run"
    " AND m.scope {same} :scope"
    ") told ON told.run = r.id WHERE r.outcome IN ('completed', 'unchanged') ORDER BY r.id LIMIT :limit"
)

#: What of one unit is told; older notes say the same again.
_NOTES: Final = 50


def latest(session: Session, repository: int) -> int:
    """The number of the latest finished version; 0 before the first."""
    (number,) = session.only(_LATEST, repository=repository)
    return int(number)


def keys(session: Session, repository: int, *, after: str, end: str, limit: int) -> list[str]:
    """A page of the keys between two, in order: members then and now, refused, failed."""
    number = latest(session, repository)
    found: set[str] = set()
    cut: list[str] = []
    for statement in (_MEMBERS, _REFUSED, _FAILED):
        rows = session.all(statement, repository=repository, after=after, end=end, number=number, limit=limit)
        found.update(key for (key,) in rows)
        cut += [rows[-1][0]] if len(rows) == limit else []
    # Where one answer was cut short, the others may not run ahead of it.
    return sorted(key for key in found if not cut or key <= min(cut))


def story(session: Session, repository: int, key: str) -> Story:
    """Where a key was a member, and what was noted of it, the latest first."""
    number = latest(session, repository)
    asked: dict[str, Any] = {"repository": repository, "key": key, "limit": _NOTES}
    stays = session.all(_STAYS, repository=repository, key=key, number=number)
    return Story(
        key,
        number,
        [Stay(added, removed if removed <= number else None, *rest) for added, removed, *rest in stays],
        [RefusalNote(_run(row), RefusalRow(*row[5:])) for row in session.all(_REFUSALS, **asked)],
        [FailureNote(_run(row), FailureRow(*row[5:])) for row in session.all(_FAILURES, **asked)],
    )


def read_again(session: Session, repository: int, scope: str | None, run: int) -> bool:
    """Whether a run after one looked at a scope and ended well, so that it would have refused again.

    A run that tried only what had failed is none: it looked at a part.
    """
    rows = session.all(_READ_AGAIN, repository=repository, scope=scope, run=run, limit=_NOTES)
    return any(not msgspec.json.decode(report).get("retried") for _, report in rows)


def _run(row: Sequence[Any]) -> RunRow:
    number, started, ended, outcome, version = row[:5]
    return RunRow(number, started, ended, outcome, version, {})
