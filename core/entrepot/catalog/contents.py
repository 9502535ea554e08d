"""Contents: statements, written once and found by identity."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from entrepot.catalog.batch import Batch
from entrepot.catalog.numbers import content_numbers
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
_FENCE_AND_NUMBER: Final = Statement("SELECT token, {next_content} FROM lease WHERE repository = :repository {share}")
_REVIVE: Final = Statement(
    "UPDATE content SET condemned = NULL"
    " WHERE condemned IS NOT NULL AND identity IN (SELECT batch.identity FROM {batch})",
    Batch("identity sha256"),
)
_INSERT: Final = Statement(
    "{insert} content (id, type, identity, key, fields)"
    " SELECT batch.id, batch.type, batch.identity, batch.key, batch.fields FROM {batch} WHERE 1 = 1 {ignore}",
    Batch("id int, type text, identity sha256, key text, fields blob"),
)
_ARTIFACTS: Final = Statement(
    "{insert} content_artifact (content, relative_path, algorithm, digest, size)"
    " SELECT batch.content, batch.relative_path, batch.algorithm, batch.digest, batch.size FROM {batch}"
    " WHERE 1 = 1 {ignore}",
    Batch("content int, relative_path text, algorithm text, digest blob, size int?"),
)
_FIELDS: Final = Statement(
    "{insert} content_field (content, name, value)"
    " SELECT batch.content, batch.name, batch.value FROM {batch} WHERE 1 = 1 {ignore}",
    Batch("content int, name text, value text"),
)


def find(session: Session, identities: Sequence[bytes]) -> list[int | None]:
    """Content numbers by identity; a condemned row is found with a number below zero."""
    (numbers,) = session.only(_FIND, [(identity,) for identity in identities])
    return listed(numbers)


def revive(session: Session, identities: Sequence[bytes]) -> None:
    """Take back the condemnation of what was found, so that a prune under way spares it."""
    session.change(_REVIVE, [(identity,) for identity in sorted(set(identities))])


def save(session: Session, run: Run, statements: Sequence[Said]) -> list[int]:
    """Write what is not there, supposing that most is not; the first statement is the fence."""
    _, first = run.check(session.one(_FENCE_AND_NUMBER, repository=run.repository))
    said = {statement.identity: statement for statement in statements}
    given = dict(zip(said, content_numbers(session, first, len(said)), strict=True))
    rows = [(given[name], new.type, name, new.key, new.fields) for name, new in said.items()]
    if session.change(_INSERT, sorted(rows, key=_identity)) < len(rows):
        given = _settled(session, said, given)
    _describe(session, said, given)
    return [abs(given[statement.identity]) for statement in statements]


# In order of identity, so that two writers never wait for each other in a ring.
_identity = itemgetter(2)


def _describe(session: Session, said: dict[bytes, Said], given: dict[bytes, int]) -> None:
    """Write artifacts and fields of the statements that are ours: their number stands above zero."""
    ours = [(number, said[name]) for name, number in given.items() if number > 0]
    links: list[tuple[Any, ...]] = [(number, *link) for number, statement in ours for link in statement.artifacts]
    if links:
        session.change(_ARTIFACTS, links)
    fields = [(number, *field) for number, statement in ours for field in statement.indexed]
    if fields:
        session.change(_FIELDS, fields)


def _settled(session: Session, said: dict[bytes, Said], given: dict[bytes, int]) -> dict[bytes, int]:
    """The numbers that statements have; below zero where another run wrote them, now or before."""
    names, settled = list(said), {}
    for piece in pieces(names):
        found = find(session, piece)
        condemned = [name for name, number in zip(piece, found, strict=True) if number is not None and number < 0]
        if condemned:
            revive(session, condemned)
        for name, number in zip(piece, found, strict=True):
            settled[name] = given[name] if number == given[name] else -abs(number or 0)
    return settled
