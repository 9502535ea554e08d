"""Association: declaring members, each in place of its predecessor with the same key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from entrepot.catalog.batch import Batch
from entrepot.catalog.statement import Session, Statement
from entrepot.model.ledger import Clash

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run
    from entrepot.model.ledger import Member

_ROW: Final = Batch("key text, content int, scope text?")

_AS_BEFORE: Final = (
    "(SELECT count(*) FROM {batch} JOIN membership m ON m.repository = :repository AND m.key = batch.key"
    " AND m.removed = :open AND m.content = batch.content AND m.scope {same} batch.scope)"
)
_FENCE_AND_COMPARE: Final = Statement(
    f"SELECT token, {_AS_BEFORE} FROM lease WHERE repository = :repository {{share}}", _ROW
)
_DECLARE: Final = Statement(
    "{insert} declared (run, key, content, scope)"
    " SELECT :run, batch.key, batch.content, batch.scope FROM {batch} WHERE 1 = 1 {ignore}",
    _ROW,
)
_DECLARED_OTHERWISE: Final = Statement(
    "SELECT d.key, d.content FROM {batch} JOIN declared d"
    " ON d.run = :run AND d.key = batch.key AND d.content <> batch.content",
    _ROW,
)
_CLOSE: Final = Statement(
    "UPDATE membership SET removed = :number FROM {batch}"
    " WHERE membership.repository = :repository AND membership.key = batch.key AND membership.removed = :open"
    " AND membership.added < :number"
    " AND (membership.content <> batch.content OR membership.scope {differs} batch.scope)",
    _ROW,
)
_ADD: Final = Statement(
    "{insert} membership (repository, key, removed, added, content, scope)"
    " SELECT :repository, batch.key, :open, :number, batch.content, batch.scope FROM {batch} WHERE 1 = 1 {ignore}",
    _ROW,
)
_NEED: Final = Statement(
    "{insert} dependency (run, key, needs) SELECT :run, batch.key, batch.needs FROM {batch} WHERE 1 = 1 {ignore}",
    Batch("key text, needs text"),
)


def associate(session: Session, run: Run, members: Sequence[Member], *, expect_known: bool) -> tuple[list[Clash], bool]:
    """Declare members; the clashes, and whether most were in the version already, as they are.

    With `expect_known` the batch is first compared as a whole, and nothing but `declared` is
    written for one that changes nothing.
    """
    rows = list({member.key: (member.key, member.content, member.scope) for member in reversed(members)}.values())[::-1]
    batch = session.pack(_ROW, rows)
    known = 0
    if expect_known:
        _, known = run.check(session.one(_FENCE_AND_COMPARE, batch, **run.values))
    else:
        run.fence(session)
    before: dict[str, int] = {}
    if session.change(_DECLARE, batch, **run.values) < len(batch):
        before = dict(session.all(_DECLARED_OTHERWISE, batch, **run.values))
        rows = [row for row in rows if row[0] not in before]
        batch = session.pack(_ROW, rows) if before else batch
    if known < len(rows):
        written = session.change(_CLOSE, batch, **run.values) if run.number > 1 else 0
        added = session.change(_ADD, batch, **run.values)
        known = len(rows) - max(written, added)
    keys = {row[0] for row in rows}
    needs = sorted({(member.key, needed) for member in members if member.key in keys for needed in member.needs})
    if needs:
        session.change(_NEED, needs, **run.values)
    clashes = _clashes(members, before | {key: content for key, content, _ in rows})
    return clashes, 2 * known > len(rows)


def _clashes(members: Sequence[Member], declared: dict[str, int]) -> list[Clash]:
    """Members that say something else of their key than what this run declared first; each once."""
    return list(
        dict.fromkeys(
            Clash(member.key, declared[member.key], member.content)
            for member in members
            if declared[member.key] != member.content
        )
    )
