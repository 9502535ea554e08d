"""Known needs: what members need, noted with the version for runs that keep them unseen.

Each is an interval of versions, as membership is, and written only for a version that is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from entrepot.catalog.batch import Batch
from entrepot.catalog.needs import any_needs
from entrepot.catalog.reserved import OPEN
from entrepot.catalog.statement import PIECE, Statement

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run, Writer

# Of a key whose unit lacked something and whose predecessor stands, all stays as it was known.
_TAKEN: Final = "NOT EXISTS (SELECT 1 FROM unmet u WHERE u.run = :run AND u.key = {0})"


def _open_row(table: str, said: str) -> str:
    return f"EXISTS (SELECT 1 FROM {table} x WHERE x.repository = :repository AND {said} AND x.removed = :open)"


def _after(key: str, needs: str) -> str:
    return f"{key} >= :key AND ({key} > :key OR {needs} > :needs) ORDER BY {key}, {needs} LIMIT :limit"


_OF_CLOSED: Final = Statement(
    "SELECT n.key, n.needs FROM membership c CROSS JOIN member_need n"
    f" WHERE c.repository = :repository AND c.removed = :number AND c.removed <> {OPEN}"
    f" AND NOT {_open_row('membership', 'x.key = c.key')}"
    " AND n.repository = :repository AND n.key = c.key AND n.removed = :open AND n.added < :number"
    f" AND {_after('c.key', 'n.needs')}"
)
_NOT_SAID_AGAIN: Final = Statement(
    "SELECT n.key, n.needs FROM declared d CROSS JOIN member_need n"
    " WHERE d.run = :run AND n.repository = :repository AND n.key = d.key AND n.removed = :open AND n.added < :number"
    " AND NOT EXISTS (SELECT 1 FROM dependency y WHERE y.run = :run AND y.key = n.key AND y.needs = n.needs)"
    f" AND {_TAKEN.format('d.key')} AND {_after('d.key', 'n.needs')}"
)
_NEW: Final = Statement(
    f"SELECT d.key, d.needs FROM dependency d WHERE d.run = :run AND {_TAKEN.format('d.key')}"
    f" AND NOT {_open_row('member_need', 'x.key = d.key AND x.needs = d.needs')}"
    f" AND {_open_row('membership', 'x.key = d.key')} AND {_after('d.key', 'd.needs')}"
)
_BATCH: Final = Batch("key text, needs text")
_CLOSE: Final = Statement(
    "UPDATE member_need SET removed = :number FROM {batch} WHERE member_need.repository = :repository"
    " AND member_need.key = batch.key AND member_need.needs = batch.needs AND member_need.removed = :open"
    " AND member_need.added < :number",
    _BATCH,
)
_ADD: Final = Statement(
    "{insert} member_need (repository, key, needs, removed, added)"
    " SELECT :repository, batch.key, batch.needs, :open, :number FROM {batch} WHERE 1 = 1 {ignore}",
    _BATCH,
)


def remember(writer: Writer, run: Run) -> None:
    """Bring what is known up to the version that a run is about to make visible.

    Some thousand rows are written at a time, and none where nothing needs anything.
    What units need that a run declared counts as said anew: a need that is not said again ends.
    """
    if not any_needs(writer, run):
        return
    for ask, change in ((_OF_CLOSED, _CLOSE), (_NOT_SAID_AGAIN, _CLOSE), (_NEW, _ADD)):
        key = needs = ""
        while True:
            with writer.reading() as session:
                found = session.all(ask, **run.values, key=key, needs=needs, limit=PIECE)
            if not found:
                break
            with run.transaction(writer) as session:
                session.change(change, found, **run.values)
            key, needs = found[-1]
