"""Contents: statements, written once and found by identity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from entrepot.catalog.batch import Batch
from entrepot.catalog.statement import Session, Statement, listed, pieces

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run
    from entrepot.model.ledger import Statement as Said

# Look-ups answer with numbers; those of condemned rows are told apart by standing below zero.
_FOUND: Final = (
    "SELECT {list id} FROM (SELECT batch.n AS n, CASE WHEN c.condemned IS NULL THEN c.id ELSE -c.id END AS id"
    " FROM {batch} LEFT JOIN content c ON c.identity = batch.identity) found"
)
_FIND: Final = Statement(_FOUND, Batch("identity sha256"))
_FENCE_AND_FIND: Final = Statement(
    f"SELECT token, ({_FOUND}), (SELECT max(id) FROM content) FROM lease WHERE repository = :repository {{share}}",
    Batch("identity sha256"),
)
_REVIVE: Final = Statement(
    "UPDATE content SET condemned = NULL"
    " WHERE condemned IS NOT NULL AND identity IN (SELECT batch.identity FROM {batch})",
    Batch("identity sha256"),
)
_INSERT: Final = Statement(
    "INSERT INTO content (id, type, identity, key, fields)"
    " SELECT batch.id, batch.type, batch.identity, batch.key, batch.fields FROM {batch} WHERE 1 = 1"
    " ON CONFLICT DO NOTHING",
    Batch("id int, type text, identity sha256, key text, fields blob"),
)
_ARTIFACTS: Final = Statement(
    "INSERT INTO content_artifact (content, relative_path, algorithm, digest, size)"
    " SELECT batch.content, batch.relative_path, batch.algorithm, batch.digest, batch.size FROM {batch} WHERE 1 = 1"
    " ON CONFLICT DO NOTHING",
    Batch("content int, relative_path text, algorithm text, digest blob, size int?"),
)
_FIELDS: Final = Statement(
    "INSERT INTO content_field (content, name, value)"
    " SELECT batch.content, batch.name, batch.value FROM {batch} WHERE 1 = 1 ON CONFLICT DO NOTHING",
    Batch("content int, name text, value text"),
)


def find(session: Session, identities: Sequence[bytes]) -> list[int | None]:
    """Content numbers by identity; a condemned row is found with a number below zero."""
    (numbers,) = session.only(_FIND, [(identity,) for identity in identities])
    return listed(numbers)


def revive(session: Session, identities: Sequence[bytes]) -> None:
    """Take back the condemnation of what was found, so that a prune under way spares it."""
    session.change(_REVIVE, [(identity,) for identity in sorted(set(identities))])


def save(session: Session, run: Run, statements: Sequence[Said], numbers: Numbers) -> list[int]:
    """Write what is not there; the first statement is the fence."""
    known: dict[bytes, int] = {}
    condemned: list[bytes] = []
    highest = None
    for piece in pieces(statements):
        fence = session.one(_FENCE_AND_FIND, [(said.identity,) for said in piece], repository=run.repository)
        _, numbered, highest = run.check(fence)
        for said, number in zip(piece, listed(numbered), strict=True):
            if number is not None:
                known[said.identity] = abs(number)
                if number < 0:
                    condemned.append(said.identity)
    if condemned:
        revive(session, condemned)
    if new := {said.identity: said for said in statements if said.identity not in known}:
        known |= _insert(session, new, numbers(session, highest or 0, len(new)))
    return [known[said.identity] for said in statements]


#: Gives out so many unused content numbers, ascending; the highest one used is handed in.
Numbers = Callable[[Session, int, int], list[int]]


def _insert(session: Session, new: dict[bytes, Said], numbers: Sequence[int]) -> dict[bytes, int]:
    given = dict(zip(new, numbers, strict=True))
    # In order of identity, so that two writers never wait for each other in a ring.
    rows = [(given[name], new[name].type, name, new[name].key, new[name].fields) for name in sorted(new)]
    if session.change(_INSERT, rows) < len(rows):
        given = _settled(session, list(new))
    mine = set(numbers)
    ours = [(number, new[name]) for name, number in given.items() if number in mine]
    links: list[tuple[Any, ...]] = [(number, *link) for number, said in ours for link in said.artifacts]
    if links:
        session.change(_ARTIFACTS, links)
    fields = [(number, *field) for number, said in ours for field in said.indexed]
    if fields:
        session.change(_FIELDS, fields)
    return given


def _settled(session: Session, identities: Sequence[bytes]) -> dict[bytes, int]:
    """Whose row it became, where somebody else wrote the same statement at the same time."""
    found: dict[bytes, int] = {}
    for piece in pieces(identities):
        for name, number in zip(piece, find(session, piece), strict=True):
            found[name] = abs(number or 0)
    return found
