"""Dependencies: which members of the new version lack what they need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from entrepot.catalog.batch import Batch
from entrepot.catalog.statement import PIECE, Session, Statement
from entrepot.model.ledger import Unmet

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run, Writer

# A refused unit marks nothing: its key is taken out of the version, unless a predecessor stands
# behind it, which stays when the version does not mirror. `stands` says so; then the key is met.
_STANDS: Final = (
    "(:mirror = 0 AND EXISTS (SELECT 1 FROM membership p WHERE p.repository = :repository AND p.key = d.key"
    " AND p.added < :number AND p.removed IN (:open, :number)))"
)
_ANY: Final = Statement("SELECT 1 FROM dependency WHERE run = :run LIMIT 1")
_FIRST: Final = Statement(
    "{insert} unmet (run, key, lacks, round, stands)"
    f" SELECT :run, d.key, min(d.needs), 0, {_STANDS} FROM dependency d"
    " WHERE d.run = :run AND NOT EXISTS (SELECT 1 FROM membership m"
    " WHERE m.repository = :repository AND m.key = d.needs AND m.removed = :open)"
    " GROUP BY d.key {ignore}"
)
_NEXT: Final = Statement(
    "{insert} unmet (run, key, lacks, round, stands)"
    f" SELECT :run, d.key, min(d.needs), :round, {_STANDS} FROM unmet u CROSS JOIN dependency d"
    " WHERE d.run = u.run AND d.needs = u.key AND u.run = :run AND u.round = :round - 1 AND NOT u.stands"
    " AND NOT EXISTS (SELECT 1 FROM unmet v WHERE v.run = :run AND v.key = d.key)"
    " GROUP BY d.key {ignore}"
)
_FOUND: Final = Statement(
    "SELECT u.key, u.lacks, u.stands, d.scope FROM unmet u LEFT JOIN declared d ON d.run = u.run AND d.key = u.key"
    " WHERE u.run = :run ORDER BY u.key"
)
_REMOVE: Final = Statement(
    "DELETE FROM membership WHERE repository = :repository AND removed = :open AND added = :number"
    " AND key IN (SELECT batch.key FROM {batch})",
    Batch("key text"),
)
_CLOSE: Final = Statement(
    "UPDATE membership SET removed = :number WHERE repository = :repository AND removed = :open AND added < :number"
    " AND key IN (SELECT batch.key FROM {batch})",
    Batch("key text"),
)
_REOPEN: Final = Statement(
    "UPDATE membership SET removed = :open WHERE repository = :repository AND removed = :number"
    " AND key IN (SELECT batch.key FROM {batch})",
    Batch("key text"),
)

_REMOVE_SCOPES: Final = tuple(
    Statement(
        f"{verb} WHERE repository = :repository AND key IN (SELECT batch.key FROM {{batch}})"
        f" AND removed = :open AND added {when} :number",
        Batch("key text"),
    )
    for verb, when in (("DELETE FROM further_scope", "="), ("UPDATE further_scope SET removed = :number", "<"))
)


def unmet(writer: Writer, run: Run, *, mirror: bool) -> list[Unmet]:
    """Take members that lack what they need out of the new version, and say what each chain ends in.

    The least set that must fall is found, so what needs itself in a ring stands as long as nothing
    outside the ring is lacking.
    """
    with writer.reading() as session:
        if session.one(_ANY, **run.values) is None:
            return []
    with writer.transaction() as session:
        run.fence(session)
        _to_the_fixpoint(session, run, mirror=mirror)
        found = session.all(_FOUND, **run.values)
    for start in range(0, len(found), PIECE):
        with writer.transaction() as session:
            run.fence(session)
            _take_out(session, run, found[start : start + PIECE])
    lacks = {key: lacking for key, lacking, *_ in found}
    return [Unmet(key, _chain(key, lacks), scope) for key, _, _, scope in found]


def _to_the_fixpoint(session: Session, run: Run, *, mirror: bool) -> None:
    values = {**run.values, "mirror": int(mirror)}
    fallen = session.change(_FIRST, **values)
    number = 0
    while fallen:
        number += 1
        fallen = session.change(_NEXT, **values, round=number)


def _take_out(session: Session, run: Run, found: Sequence[tuple[Any, ...]]) -> None:
    falling = [(key,) for key, _, stands, _ in found if not stands]
    standing = [(key,) for key, _, stands, _ in found if stands]
    session.change(_REMOVE, [(key,) for key, *_ in found], **run.values)
    if falling:
        for statement in (_CLOSE, *_REMOVE_SCOPES):
            session.change(statement, falling, **run.values)
    if standing:
        session.change(_REOPEN, standing, **run.values)


def _chain(key: str, lacks: dict[str, str]) -> tuple[str, ...]:
    chain = [key]
    while (lacking := lacks.get(chain[-1])) is not None:
        chain.append(lacking)
    return tuple(chain)
