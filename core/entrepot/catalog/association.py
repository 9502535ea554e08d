"""Association: declaring members, each in place of its predecessor with the same key."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from entrepot.catalog.batch import Batch
from entrepot.catalog.statement import Packed, Session, Statement
from entrepot.model.ledger import Clash

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run
    from entrepot.model.ledger import Member

_ROW: Final = Batch("key text, content int, scope text?")

_AS_BEFORE: Final = (
    "(SELECT count(*) FROM {batch} JOIN membership m ON m.repository = :repository AND m.key = batch.key"
    " AND m.removed = :open AND m.content = batch.content AND (m.scope {same} batch.scope OR EXISTS (SELECT 1"
    " FROM further_scope f WHERE f.repository = :repository AND f.key = batch.key"
    " AND f.scope = coalesce(batch.scope, '') AND f.removed = :open)))"
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
    " AND membership.added < :number AND membership.content <> batch.content",
    _ROW,
)
_ADD: Final = Statement(
    "{insert} membership (repository, key, removed, added, content, scope)"
    " SELECT :repository, batch.key, :open, :number, batch.content, batch.scope FROM {batch} WHERE 1 = 1 {ignore}",
    _ROW,
)
# The same statement in another scope is one member in both, and its row stays as it is.
_DECLARE_SCOPE: Final = Statement(
    "{insert} declared_scope (run, key, scope) SELECT :run, batch.key, coalesce(batch.scope, '') FROM {batch}"
    " JOIN declared d ON d.run = :run AND d.key = batch.key AND d.content = batch.content"
    " AND d.scope {differs} batch.scope WHERE 1 = 1 {ignore}",
    _ROW,
)
_ADD_SCOPE: Final = Statement(
    "{insert} further_scope (repository, key, scope, removed, added)"
    " SELECT :repository, batch.key, coalesce(batch.scope, ''), :open, :number FROM {batch}"
    " JOIN membership m ON m.repository = :repository AND m.key = batch.key AND m.removed = :open"
    " AND m.content = batch.content AND m.scope {differs} batch.scope WHERE 1 = 1 {ignore}",
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
    first: dict[str, Member] = {}
    for member in members:
        first.setdefault(member.key, member)
    batch = _packed(session, first.values())
    known = 0
    if expect_known:
        _, known = run.check(session.one(_FENCE_AND_COMPARE, batch, **run.values))
    else:
        run.fence(session)
    before: dict[str, int] = {}
    if session.change(_DECLARE, batch, **run.values) < len(batch):
        session.change(_DECLARE_SCOPE, batch, **run.values)
        before = dict(session.all(_DECLARED_OTHERWISE, batch, **run.values))
        new = [member for key, member in first.items() if key not in before]
        batch = _packed(session, new) if before else batch
    if known < len(batch):
        written = session.change(_CLOSE, batch, **run.values) if run.number > 1 else 0
        added = session.change(_ADD, batch, **run.values)
        if known + added < len(batch):
            session.change(_ADD_SCOPE, batch, **run.values)
        known = len(batch) - max(written, added)
    if len(first) < len(members):
        _list_again(session, run, [member for member in members if member is not first[member.key]])
    _note_needs(session, run, [member for member in members if member.needs and _counts(member, first, before)])
    clashes = []
    if before or len(first) < len(members):
        clashes = _clashes(members, {key: member.content for key, member in first.items()} | before)
    return clashes, 2 * known > len(batch)


def _list_again(session: Session, run: Run, members: Sequence[Member]) -> None:
    """Note further scopes that one batch names for a key."""
    batch = _packed(session, members)
    session.change(_DECLARE_SCOPE, batch, **run.values)
    session.change(_ADD_SCOPE, batch, **run.values)


def _counts(member: Member, first: Mapping[str, Member], before: Mapping[str, int]) -> bool:
    """Whether a member is what the run declares of its key: what is said of it again adds to its needs."""
    return member.key not in before and member.content == first[member.key].content


def _packed(session: Session, members: Collection[Member]) -> Packed:
    keys, contents = [member.key for member in members], [member.content for member in members]
    return session.pack_columns(_ROW, keys, contents, [member.scope for member in members])


def _note_needs(session: Session, run: Run, needing: Sequence[Member]) -> None:
    if needing:
        session.change(
            _NEED, sorted({(member.key, needed) for member in needing for needed in member.needs}), **run.values
        )


def _clashes(members: Sequence[Member], declared: dict[str, int]) -> list[Clash]:
    """Members that say something else of their key than what this run declared first; each once."""
    return list(
        dict.fromkeys(
            Clash(member.key, declared[member.key], member.content)
            for member in members
            if declared[member.key] != member.content
        )
    )
