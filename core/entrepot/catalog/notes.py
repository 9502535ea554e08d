"""What a run notes beside its members: refusals, failures, what to keep, checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import attrs

from entrepot.catalog.batch import Batch
from entrepot.catalog.statement import Session, Statement, pieces
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
    " SELECT :repository, :run, batch.key, batch.rule, batch.reason, batch.plugin, batch.stage, batch.scope,"
    " CAST(batch.until AS DOUBLE PRECISION), batch.version, batch.remedy FROM {batch} ORDER BY batch.n",
    Batch(
        "key text, rule text, reason text, plugin text, stage text, scope text?, until text?, version text, remedy text"
    ),
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
    " SELECT :repository, :run, batch.key, batch.stage, batch.plugin, batch.error, batch.url, batch.scope"
    " FROM {batch} ORDER BY batch.n",
    Batch("key text, stage text, plugin text, error text, url text?, scope text?"),
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
    "SELECT (SELECT c.value FROM checkpoint c JOIN run r ON r.id = c.run AND r.outcome IN ('completed', 'unchanged')"
    " WHERE c.repository = :repository AND c.scope = batch.scope AND c.run > :void AND r.plan = :plan"
    " AND NOT EXISTS"
    " (SELECT 1 FROM failure f WHERE f.repository = :repository AND f.scope = c.scope AND f.run >= c.run)"
    " AND NOT EXISTS (SELECT 1 FROM refusal f WHERE f.repository = :repository AND f.scope = c.scope AND f.run >= c.run"
    " AND f.until <= :now)"
    " ORDER BY c.run DESC LIMIT 1) FROM {batch} ORDER BY batch.n",
    Batch("scope text"),
)
_NOTED_LAST: Final = Statement(
    "SELECT (SELECT c.value FROM checkpoint c JOIN run r ON r.id = c.run AND r.outcome IN ('completed', 'unchanged')"
    " WHERE c.repository = :repository AND c.scope = batch.scope ORDER BY c.run DESC LIMIT 1)"
    " FROM {batch} ORDER BY batch.n",
    Batch("scope text"),
)

#: What is noted of a scope that has lost members unread: it may come back as it was, and must be read then.
_GONE: Final = "entrepot:gone"
_VOID: Final = Statement(
    f"{{insert}} checkpoint (repository, scope, run, value) SELECT DISTINCT :repository, batch.scope, :run, '{_GONE}'"
    " FROM {batch} WHERE EXISTS (SELECT 1 FROM checkpoint c WHERE c.repository = :repository AND c.scope = batch.scope)"
    " {ignore}",
    Batch("scope text"),
)
_GROUPS: Final = Statement(
    "SELECT DISTINCT c.scope FROM checkpoint c JOIN run r ON r.id = c.run"
    " AND r.outcome IN ('completed', 'unchanged') WHERE c.repository = :repository"
    " AND c.scope > :after AND c.scope < :end ORDER BY c.scope LIMIT :limit"
)

#: What the names of scopes begin with under which groups that clients asked for are noted.
_PULLED: Final = "entrepot:pulled:"


@attrs.define
class Notes:
    """What was noted and is not written yet; it goes along with the next transaction, ahead of it."""

    kept: list[tuple[int, str]] = attrs.Factory(list)
    checkpoints: dict[str, str] = attrs.Factory(dict)
    refusals: list[RefusalRow] = attrs.Factory(list)
    failures: list[FailureRow] = attrs.Factory(list)
    evicted: dict[str, None] = attrs.Factory(dict)

    def __len__(self) -> int:
        return sum(map(len, (self.kept, self.checkpoints, self.refusals, self.failures, self.evicted)))

    def refuse(self, refusals: Sequence[RefusalRow], evict: Sequence[str]) -> None:
        """Note refusals, and whose predecessors go unless they were declared by then."""
        self.refusals += refusals
        self.evicted.update(dict.fromkeys(evict))

    def fail(self, failures: Sequence[FailureRow], *, keep: bool) -> None:
        """Note failures, and which keys to keep because of them."""
        self.failures += failures
        if keep:
            self.kept += [(Kept.KEY, failure.key) for failure in failures]


def write(session: Session, run: Run, notes: Notes) -> None:
    """Write what was noted."""
    if notes.kept:
        session.change(_KEEP, notes.kept, **run.values)
    if notes.checkpoints:
        session.change(_CHECKPOINT, list(notes.checkpoints.items()), **run.values)
    for refusals in pieces(notes.refusals):
        session.change(_REFUSE, [_storable(row) for row in refusals], **run.values)
    for failures in pieces(notes.failures):
        session.change(_FAIL, [_storable(row) for row in failures], **run.values)
    for keys in pieces([(key,) for key in notes.evicted]):
        if session.change(_EVICT, keys, **run.values):
            session.change(_EVICT_SCOPES, keys, **run.values)


def nothing_more(session: Session) -> None:
    """Let the notes that wait be all that a transaction writes."""


def counts_from(session: Session, repository: int, plan: str, now: float) -> int:
    """The run up to which every checkpoint is void."""
    (last,) = session.only(_COUNTS_FROM, repository=repository, plan=plan, now=now)
    return last or 0


def noted(session: Session, run: Run, scopes: Sequence[str], *, void: int | None, now: float) -> list[str | None]:
    """What the last run that ended well noted for each scope, unless that is void; with None, nothing is."""
    asked = [(scope,) for scope in scopes]
    if void is None:
        rows = session.all(_NOTED_LAST, asked, **run.values)
    else:
        rows = session.all(_NOTED, asked, **run.values, plan=run.plan, void=void, now=now)
    return [None if value == _GONE else value for (value,) in rows]


def void(session: Session, run: Run, scopes: Iterable[str | None]) -> None:
    """Let nothing count that earlier runs noted for scopes, unless this run noted something itself."""
    lost = [(scope,) for scope in sorted({scope for scope in scopes if scope})]
    if lost:
        session.change(_VOID, lost, **run.values)


def pulled(session: Session, run: Run, *, after: str, limit: int) -> list[str]:
    """A page, in order, of the groups that clients asked for and some good run brought."""
    end = f"{_PULLED[:-1]};"
    rows = session.all(_GROUPS, **run.values, after=f"{_PULLED}{after}", end=end, limit=limit)
    return [scope.removeprefix(_PULLED) for (scope,) in rows]


def scope_of_pulled(group: str) -> str:
    """Where it is noted that a group was asked for; void checkpoints or not, it lasts."""
    return f"{_PULLED}{group}"


def _storable(row: RefusalRow | FailureRow) -> tuple[str | None, ...]:
    return tuple(None if value is None else storable(value if isinstance(value, str) else repr(value)) for value in row)
