"""Dependencies: which members of the new version lack what they need, and must go with it.

A key is there while what was declared of it has all that it needs, or else, where the version does
not mirror, what the version before said of it. The most that can be there stays: what needs itself
in a ring stands as long as nothing outside of the ring is lacking.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from entrepot.catalog.batch import Batch
from entrepot.catalog.chains import Chains
from entrepot.catalog.reserved import OPEN
from entrepot.catalog.statement import PIECE, Session, Statement
from entrepot.model.ledger import Unmet

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run, Writer

#: Whether anything needs anything: what this run declared, and what it keeps.
_ANY: Final = Statement(
    "SELECT EXISTS (SELECT 1 FROM dependency WHERE run = :run)"
    " OR EXISTS (SELECT 1 FROM member_need WHERE repository = :repository AND removed = :open)"
)


def _member(key: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM membership m WHERE m.repository = :repository AND m.key = {key} AND m.removed = :open)"
    )


def _found(key: str) -> str:
    return f"EXISTS (SELECT 1 FROM unmet v WHERE v.run = :run AND v.key = {key})"


# A refused unit marks nothing: its key is taken out of the version, unless a predecessor that has
# what it needs stands behind it, which stays when the version does not mirror. `stands` says so;
# then the key is there for others.
_STANDS: Final = (
    "CASE WHEN :mirror = 0 AND EXISTS (SELECT 1 FROM membership p WHERE p.repository = :repository AND p.key = d.key"
    " AND p.added < :number AND p.removed IN (:open, :number))"
    " AND NOT EXISTS (SELECT 1 FROM member_need o WHERE o.repository = :repository AND o.key = d.key"
    f" AND o.removed = :open AND (NOT {_member('o.needs')}"
    " OR EXISTS (SELECT 1 FROM unmet w WHERE w.run = :run AND w.key = o.needs AND NOT w.stands)))"
    " THEN 1 ELSE 0 END"
)
#: Of members that this run did not declare, the version before says what they need.
_KEPT: Final = (
    "n.repository = :repository AND n.removed = :open"
    " AND NOT EXISTS (SELECT 1 FROM declared d WHERE d.run = :run AND d.key = n.key)"
    f" AND {_member('n.key')} AND NOT {_found('n.key')}"
)
_FELL: Final = "u.run = :run AND u.round = :round - 1 AND NOT u.stands"


def _after(needed: str, key: str) -> str:
    return f"{needed} >= :lacks AND ({needed} > :lacks OR {key} > :key) ORDER BY {needed}, {key} LIMIT :limit"


# Each of these gives a key, what it lacks, and whether it stands all the same, in pages.
_LACKING: Final = Statement(
    f"SELECT d.key, min(d.needs), {_STANDS} FROM dependency d WHERE d.run = :run AND d.key > :key"
    f" AND NOT {_member('d.needs')} GROUP BY d.key ORDER BY d.key LIMIT :limit"
)
_LEFT_BEHIND: Final = Statement(
    "SELECT n.key, n.needs, 0 FROM membership c CROSS JOIN member_need n"
    f" WHERE c.repository = :repository AND c.removed = :number AND c.removed <> {OPEN}"
    f" AND NOT {_member('c.key')} AND n.needs = c.key AND {_KEPT} AND {_after('c.key', 'n.key')}"
)
_NEXT: Final = Statement(
    f"SELECT d.key, d.needs, {_STANDS} FROM unmet u CROSS JOIN dependency d"
    f" WHERE {_FELL} AND d.run = u.run AND d.needs = u.key AND NOT {_found('d.key')} AND {_after('u.key', 'd.key')}"
)
_NEXT_KEPT: Final = Statement(
    "SELECT n.key, n.needs, 0 FROM unmet u CROSS JOIN member_need n"
    f" WHERE {_FELL} AND n.needs = u.key AND {_KEPT} AND {_after('u.key', 'n.key')}"
)
_NOTE: Final = Statement(
    "{insert} unmet (run, key, lacks, round, stands)"
    " SELECT :run, batch.key, batch.lacks, :round, batch.stands = 1 FROM {batch} WHERE 1 = 1 {ignore}",
    Batch("key text, lacks text, stands int"),
)
#: Predecessors that stood until what they need fell.
_NEXT_BEFORE: Final = Statement(
    "SELECT n.key, n.needs, 0 FROM unmet u CROSS JOIN member_need n CROSS JOIN unmet v"
    f" WHERE {_FELL} AND n.repository = :repository AND n.removed = :open AND n.needs = u.key"
    f" AND v.run = :run AND v.key = n.key AND v.stands AND {_after('u.key', 'n.key')}"
)
_STAND_NO_MORE: Final = Statement(
    "UPDATE unmet SET stands = false, round = :round WHERE run = :run AND stands"
    " AND key IN (SELECT batch.key FROM {batch})",
    Batch("key text, lacks text, stands int"),
)
_SEEDS: Final = ((_LACKING, _NOTE), (_LEFT_BEHIND, _NOTE))
_ROUND: Final = ((_NEXT, _NOTE), (_NEXT_KEPT, _NOTE), (_NEXT_BEFORE, _STAND_NO_MORE))

_FOUND: Final = Statement(
    "SELECT u.key, u.lacks, u.stands, CASE WHEN d.key IS NULL THEN m.scope ELSE d.scope END FROM unmet u"
    " LEFT JOIN declared d ON d.run = u.run AND d.key = u.key"
    " LEFT JOIN membership m ON m.repository = :repository AND m.key = u.key AND m.removed = :open"
    " WHERE u.run = :run ORDER BY u.key"
)
_FURTHER: Final = Statement(
    "SELECT u.key, f.scope FROM unmet u CROSS JOIN further_scope f WHERE u.run = :run"
    " AND f.repository = :repository AND f.key = u.key AND f.removed = :open"
    " UNION SELECT u.key, s.scope FROM unmet u CROSS JOIN declared_scope s"
    " WHERE u.run = :run AND s.run = u.run AND s.key = u.key ORDER BY 1, 2"
)
_KEY: Final = Batch("key text")
_REMOVE: Final = Statement(
    "DELETE FROM membership WHERE repository = :repository AND removed = :open AND added = :number"
    " AND key IN (SELECT batch.key FROM {batch})",
    _KEY,
)
_CLOSE: Final = Statement(
    "UPDATE membership SET removed = :number WHERE repository = :repository AND removed = :open AND added < :number"
    " AND key IN (SELECT batch.key FROM {batch})",
    _KEY,
)
_REOPEN: Final = Statement(
    "UPDATE membership SET removed = :open WHERE repository = :repository AND removed = :number"
    " AND key IN (SELECT batch.key FROM {batch})",
    _KEY,
)

_REMOVE_SCOPES: Final = tuple(
    Statement(
        f"{verb} WHERE repository = :repository AND key IN (SELECT batch.key FROM {{batch}})"
        f" AND removed = :open AND added {when} :number",
        _KEY,
    )
    for verb, when in (("DELETE FROM further_scope", "="), ("UPDATE further_scope SET removed = :number", "<"))
)


def any_needs(writer: Writer, run: Run) -> bool:
    """Whether any member of the new version needs anything, as far as is known."""
    with writer.reading() as session:
        return bool(session.only(_ANY, **run.values)[0])


def unmet(writer: Writer, run: Run, *, mirror: bool) -> list[Unmet]:
    """Take members that lack what they need out of the new version, and say what each chain ends in.

    Those that this run did not declare are among them: what is kept unseen goes with what it needs.
    """
    if not any_needs(writer, run):
        return []
    _Fall(run, mirror=mirror).to_the_end(writer)
    with writer.reading() as session:
        found = session.all(_FOUND, **run.values)
        further = defaultdict(list)
        for key, scope in session.all(_FURTHER, **run.values) if found else ():
            further[key].append(scope or None)
    for start in range(0, len(found), PIECE):
        with run.transaction(writer) as session:
            _take_out(session, run, found[start : start + PIECE])
    chains = Chains({key: lacking for key, lacking, *_ in found})
    unmet = []
    for key, _, _, scope in found:
        links, left_out = chains.of(key)
        unmet.append(Unmet(key, links, scope, tuple(further.get(key, ())), left_out))
    return unmet


class _Fall:
    """What falls, round by round, until a round finds nothing."""

    def __init__(self, run: Run, *, mirror: bool) -> None:
        self.over = False
        self._run, self._values = run, {**run.values, "mirror": int(mirror)}
        self._round, self._found = 0, 0
        self._asked: list[tuple[Statement, Statement]] = list(_SEEDS)
        self._after = {"key": "", "lacks": ""}

    def to_the_end(self, writer: Writer) -> None:
        """Note all that falls, in transactions that write some thousand rows."""
        while self._round == 0:
            with writer.reading() as session:
                rows = self._page(session)
            if rows:
                with self._run.transaction(writer) as session:
                    self._note(session, rows)
            self._go_on(rows)
        while not self.over:
            with self._run.transaction(writer) as session:
                written = 0
                while not self.over and written < PIECE:
                    rows = self._page(session)
                    written += len(rows)
                    self._note(session, rows)
                    self._go_on(rows)

    def _page(self, session: Session) -> Sequence[tuple[Any, ...]]:
        ask, _ = self._asked[0]
        return session.all(ask, **self._values, **self._after, round=self._round, limit=PIECE)

    def _note(self, session: Session, rows: Sequence[tuple[Any, ...]]) -> None:
        _, note = self._asked[0]
        if rows:
            session.change(note, rows, **self._values, round=self._round)

    def _go_on(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._found += len(rows)
        if len(rows) == PIECE:
            key, lacks, _ = rows[-1]
            self._after = {"key": key, "lacks": lacks}
            return
        self._after = {"key": "", "lacks": ""}
        del self._asked[0]
        if not self._asked:
            self.over = not self._found
            self._round, self._found, self._asked = self._round + 1, 0, list(_ROUND)


def _take_out(session: Session, run: Run, found: Sequence[tuple[Any, ...]]) -> None:
    falling = [(key,) for key, _, stands, _ in found if not stands]
    standing = [(key,) for key, _, stands, _ in found if stands]
    session.change(_REMOVE, [(key,) for key, *_ in found], **run.values)
    if falling:
        for statement in (_CLOSE, *_REMOVE_SCOPES):
            session.change(statement, falling, **run.values)
    if standing:
        session.change(_REOPEN, standing, **run.values)
