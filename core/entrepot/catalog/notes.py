"""What a run notes beside its members: refusals, failures, what to keep, checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import attrs

from entrepot.catalog.batch import Batch
from entrepot.catalog.statement import Session, Statement
from entrepot.catalog.texts import storable

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run
    from entrepot.model.ledger import FailureRow, RefusalRow


class Kept(IntEnum):
    """What a row of `kept` speaks of; `TOUCHED` scopes are gathered when the rest is kept."""

    SCOPE = 1
    KEY = 2
    DROPPED = 3
    REST = 4
    TOUCHED = 5


_KEEP: Final = Statement(
    "{insert} kept (run, kind, name) SELECT :run, batch.kind, batch.name FROM {batch} WHERE 1 = 1 {ignore}",
    Batch("kind int, name text"),
)
_CHECKPOINT: Final = Statement(
    "INSERT INTO checkpoint (repository, scope, run, value)"
    " SELECT :repository, batch.scope, :run, batch.value FROM {batch} WHERE 1 = 1"
    " ON CONFLICT (repository, scope, run) DO UPDATE SET value = excluded.value",
    Batch("scope text, value text"),
)
_REFUSE: Final = Statement(
    "INSERT INTO refusal (repository, run, key, rule, reason, plugin, stage, scope, until, version, remedy)"
    " VALUES (:repository, :run, :key, :rule, :reason, :plugin, :stage, :scope, :until, :version, :remedy)"
)
_EVICT: Final = Statement(
    "UPDATE membership SET removed = :number WHERE repository = :repository AND removed = :open AND added < :number"
    " AND key IN (SELECT batch.key FROM {batch})"
    " AND NOT EXISTS (SELECT 1 FROM declared d WHERE d.run = :run AND d.key = membership.key)",
    Batch("key text"),
)
_EVICT_SCOPES: Final = Statement(
    "UPDATE further_scope SET removed = :number WHERE repository = :repository AND removed = :open AND added < :number"
    " AND key IN (SELECT batch.key FROM {batch}) AND NOT EXISTS (SELECT 1 FROM membership m"
    " WHERE m.repository = :repository AND m.key = further_scope.key AND m.removed = :open)",
    Batch("key text"),
)
_FAIL: Final = Statement(
    "INSERT INTO failure (repository, run, key, stage, plugin, error, url, scope)"
    " VALUES (:repository, :run, :key, :stage, :plugin, :error, :url, :scope)"
)

#: The first run whose checkpoints count: later than any that ran another plan, gave up on a unit
#: without a scope, or refused one for a time that is over.
_COUNTS_FROM: Final = Statement(
    "SELECT max(id) FROM ("
    "SELECT max(id) AS id FROM run WHERE repository = :repository AND plan <> :plan"
    " AND outcome IN ('completed', 'unchanged')"
    " UNION ALL SELECT max(run) FROM failure WHERE repository = :repository AND scope IS NULL"
    " UNION ALL SELECT max(run) FROM refusal WHERE repository = :repository AND scope IS NULL AND until <= :now"
    ") void"
)
_NOTED: Final = Statement(
    "SELECT c.value FROM checkpoint c JOIN run r ON r.id = c.run AND r.outcome IN ('completed', 'unchanged')"
    " WHERE c.repository = :repository AND c.scope = :scope AND c.run > :void AND r.plan = :plan"
    " AND NOT EXISTS (SELECT 1 FROM failure f WHERE f.repository = :repository AND f.scope = :scope AND f.run >= c.run)"
    " AND NOT EXISTS (SELECT 1 FROM refusal f WHERE f.repository = :repository AND f.scope = :scope AND f.run >= c.run"
    " AND f.until <= :now)"
    " ORDER BY c.run DESC LIMIT 1"
)
_NOTED_LAST: Final = Statement(
    "SELECT c.value FROM checkpoint c JOIN run r ON r.id = c.run AND r.outcome IN ('completed', 'unchanged')"
    " WHERE c.repository = :repository AND c.scope = :scope ORDER BY c.run DESC LIMIT 1"
)


@attrs.define
class Notes:
    """What was noted and is not written yet; it goes along with the next transaction."""

    kept: list[tuple[int, str]] = attrs.Factory(list)
    checkpoints: dict[str, str] = attrs.Factory(dict)

    def __len__(self) -> int:
        return len(self.kept) + len(self.checkpoints)


def write(session: Session, run: Run, notes: Notes) -> None:
    """Write what was noted."""
    if notes.kept:
        session.change(_KEEP, notes.kept, **run.values)
    if notes.checkpoints:
        session.change(_CHECKPOINT, list(notes.checkpoints.items()), **run.values)


def nothing_more(session: Session) -> None:
    """Let the notes that wait be all that a transaction writes."""


def refuse(session: Session, run: Run, refusals: Sequence[RefusalRow], evict: Sequence[str]) -> None:
    """Record refusals, and take predecessors that nobody declared out of the new version."""
    run.fence(session)
    for refusal in refusals:
        session.change(_REFUSE, **run.values, **_storable(refusal))
    if evict:
        keys = [(key,) for key in dict.fromkeys(evict)]
        if session.change(_EVICT, keys, **run.values):
            session.change(_EVICT_SCOPES, keys, **run.values)


def fail(session: Session, run: Run, failures: Sequence[FailureRow], *, keep: bool) -> None:
    """Record failures, and which keys to keep because of them."""
    run.fence(session)
    for failure in failures:
        session.change(_FAIL, **run.values, **_storable(failure))
    if keep:
        session.change(_KEEP, [(Kept.KEY, failure.key) for failure in failures], **run.values)


def counts_from(session: Session, repository: int, plan: str, now: float) -> int:
    """The run up to which every checkpoint is void."""
    (last,) = session.only(_COUNTS_FROM, repository=repository, plan=plan, now=now)
    return last or 0


def noted(session: Session, run: Run, scope: str, *, void: int | None, now: float) -> str | None:
    """What the last run that ended well noted for a scope, unless that is void; with None, nothing is."""
    if void is None:
        row = session.one(_NOTED_LAST, **run.values, scope=scope)
    else:
        row = session.one(_NOTED, **run.values, scope=scope, plan=run.plan, void=void, now=now)
    return row[0] if row is not None else None


def _storable(row: RefusalRow | FailureRow) -> dict[str, Any]:
    return {name: storable(value) if isinstance(value, str) else value for name, value in row._asdict().items()}
