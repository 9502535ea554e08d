"""Contents: statements, written once and found by identity."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from entrepot.catalog.batch import Batch
from entrepot.catalog.numbers import content_numbers
from entrepot.catalog.statement import Session, Statement, listed, pieces

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run
    from entrepot.model.ledger import Statement as Said

_STATEMENT: Final = Batch("key text, identity sha256")

# Reads nothing but indexes: whether anything at all is condemned is asked once for a batch.
_FIND: Final = Statement(
    "SELECT {list id}, EXISTS (SELECT 1 FROM content WHERE condemned IS NOT NULL) FROM"
    " (SELECT batch.n AS n, c.id AS id FROM {batch}"
    " LEFT JOIN content c ON c.key = batch.key AND c.identity = batch.identity) found",
    _STATEMENT,
)
# One statement tells numbers and marks: asked apart, what a prune deletes in between would pass for spared.
_FIND_MARKED: Final = Statement(
    "SELECT {list id} FROM (SELECT batch.n AS n, CASE WHEN c.condemned IS NULL THEN c.id ELSE -c.id END AS id"
    " FROM {batch} LEFT JOIN content c ON c.key = batch.key AND c.identity = batch.identity) found",
    _STATEMENT,
)
_FENCE_AND_NUMBER: Final = Statement("SELECT token, {next_content} FROM lease WHERE repository = :repository {share}")
_REVIVE: Final = Statement(
    "UPDATE content SET condemned = NULL WHERE condemned IS NOT NULL AND id IN (SELECT batch.id FROM {batch})",
    Batch("id int"),
)
_ROW: Final = Batch("id int, type text, identity sha256, key text, fields blob")
_INSERT: Final = Statement(
    "{insert} content (id, type, identity, key, fields)"
    " SELECT batch.id, batch.type, batch.identity, batch.key, batch.fields FROM {batch} WHERE 1 = 1 {ignore}",
    _ROW,
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


def find(session: Session, keys: Sequence[str], identities: Sequence[bytes]) -> tuple[list[int | None], list[int]]:
    """The numbers that statements have, and which of these are condemned."""
    batch = session.pack_columns(_STATEMENT, keys, identities)
    numbers, any_condemned = session.only(_FIND, batch)
    if not any_condemned:
        return listed(numbers), []
    marked = listed(session.only(_FIND_MARKED, batch)[0])
    condemned = [-number for number in marked if number is not None and number < 0]
    return [number and abs(number) for number in marked], condemned


def revive(session: Session, numbers: Sequence[int]) -> None:
    """Take back the condemnation of what was found, so that a prune under way spares it."""
    session.change(_REVIVE, [(number,) for number in sorted(set(numbers))])


def save(session: Session, run: Run, statements: Sequence[Said]) -> list[int]:
    """Write what is not there, supposing that most is not; the first statement is the fence."""
    _, first = run.check(session.one(_FENCE_AND_NUMBER, repository=run.repository))
    said = {statement.identity: statement for statement in statements}
    # In one order everywhere, so that two writers never wait for each other in a ring.
    ordered = sorted(said.values(), key=attrgetter("key", "identity"))
    names = [new.identity for new in ordered]
    given = dict(zip(names, content_numbers(session, first, len(names)), strict=True))
    columns = (
        list(given.values()),
        [new.type for new in ordered],
        names,
        [new.key for new in ordered],
        [new.fields for new in ordered],
    )
    ours = given
    if session.change(_INSERT, session.pack_columns(_ROW, *columns)) < len(said):
        given, ours = _settled(session, ordered, given)
    _describe(session, [(number, said[name]) for name, number in ours.items()])
    if gone := [new for new in ordered if new.identity not in given]:
        given |= zip([new.identity for new in gone], save(session, run, gone), strict=True)
    return [given[statement.identity] for statement in statements]


def _describe(session: Session, ours: Sequence[tuple[int, Said]]) -> None:
    """Write artifacts and fields of the statements that we wrote."""
    links: list[tuple[Any, ...]] = [(number, *link) for number, statement in ours for link in statement.artifacts]
    if links:
        session.change(_ARTIFACTS, links)
    fields = [(number, *field) for number, statement in ours for field in statement.indexed]
    if fields:
        session.change(_FIELDS, fields)


def _settled(
    session: Session, ordered: Sequence[Said], given: dict[bytes, int]
) -> tuple[dict[bytes, int], dict[bytes, int]]:
    """The numbers that statements have, and those we gave: others were written by somebody, now or before.

    What was condemned and deleted meanwhile, where others write at the same time, has none.
    """
    settled: dict[bytes, int] = {}
    for piece in pieces(ordered):
        keys, names = [said.key for said in piece], [said.identity for said in piece]
        found, condemned = find(session, keys, names)
        if condemned:
            revive(session, condemned)
            found, _ = find(session, keys, names)
        settled.update((name, number) for name, number in zip(names, found, strict=True) if number is not None)
    return settled, {name: number for name, number in given.items() if settled.get(name) == number}
