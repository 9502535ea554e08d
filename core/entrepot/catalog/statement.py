"""Statements in the words that both databases share, and how a session runs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
import msgspec

from entrepot.catalog.batch import Batch
from entrepot.catalog.faults import CatalogDamaged

if TYPE_CHECKING:
    from entrepot.catalog.connection import Connection, Cursor

T = TypeVar("T")

#: Rows of one statement, and of one short transaction.
PIECE: Final = 2000

_AGGREGATE = re.compile(r"\{list ([^{}]+)\}")


@attrs.frozen(eq=False)
class Statement:
    """Text with `:name` parameters, and words in braces for what the databases say differently.

    `{insert} ... {ignore}` inserts what is not there yet. `{batch}` is the batch as a relation named
    `batch`, with its order in `n`; `{list X}` gathers X of all rows into one list in that order.
    `{differs}` and `{same}` compare what may be NULL; `{share}` and `{update}` lock the row of the
    lease; `{now}` is the lease's clock.
    """

    text: str
    batch: Batch | None = None


@attrs.define
class StatementCount:
    """Calls to the database and rows that they wrote; beginning and committing is not counted."""

    calls: int = 0
    rows: int = 0


class Tongue:
    """How one database says things; `sqlite.py` and `postgresql.py` make theirs."""

    def __init__(
        self,
        words: dict[str, str],
        *,
        aggregate: str,
        relation: Callable[[Batch], str],
        pack: Callable[[Batch, Sequence[Sequence[Any]]], dict[str, Any]],
        spell: Callable[[str], str] = str,
    ) -> None:
        self._words, self._aggregate, self._relation = words, aggregate, relation
        self._said: dict[Statement, str] = {}
        self.pack, self._spell = pack, spell

    def say(self, statement: Statement) -> str:
        """The statement as the driver takes it; translated once."""
        said = self._said.get(statement)
        if said is None:
            said = self._said[statement] = self._spell(self.translate(statement))
        return said

    def translate(self, statement: Statement) -> str:
        """The statement with every word in braces replaced."""
        said = statement.text
        for word, meaning in self._words.items():
            said = said.replace(f"{{{word}}}", meaning)
        said = _AGGREGATE.sub(lambda match: self._aggregate.replace("X", match[1]), said)
        if statement.batch is not None:
            said = said.replace("{batch}", self._relation(statement.batch))
        return said


def pieces(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """The rows, at most `PIECE` at a time; nothing for none."""
    for start in range(0, len(rows), PIECE):
        yield rows[start : start + PIECE]


def listed(value: Any) -> list[Any]:
    """What `{list X}` gathered."""
    decoded: list[Any] = msgspec.json.decode(value) if isinstance(value, str) else value or []
    return decoded


class Packed:
    """A batch made ready for several statements that read the same columns."""

    def __init__(self, batch: Batch, columns: Sequence[Sequence[Any]], *, tongue: Tongue) -> None:
        self._rows = len(columns[0])
        self._pieces = [
            tongue.pack(batch, [column[start : start + PIECE] for column in columns])
            for start in range(0, self._rows, PIECE)
        ]

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._pieces)


Rows = Sequence[Sequence[Any]] | Packed | None


class Session:
    """One connection, used by one thread at a time."""

    def __init__(self, connection: Connection, tongue: Tongue, *, count: StatementCount) -> None:
        self.connection = connection
        self._tongue = tongue
        self._count = count
        self.written = 0

    def pack(self, batch: Batch, rows: Sequence[Sequence[Any]]) -> Packed:
        """Make rows ready once, for several statements."""
        return self.pack_columns(batch, *(list(zip(*rows, strict=True)) or [()] * len(batch.columns)))

    def pack_columns(self, batch: Batch, *columns: Sequence[Any]) -> Packed:
        """The same, for who has columns at hand rather than rows."""
        return Packed(batch, columns, tongue=self._tongue)

    def all(self, statement: Statement, rows: Rows = None, **values: Any) -> list[tuple[Any, ...]]:
        """Every row of the answer."""
        return [tuple(row) for result in self._run(statement, rows, values) for row in result.fetchall()]

    def one(self, statement: Statement, rows: Rows = None, **values: Any) -> tuple[Any, ...] | None:
        """The first row of the answer, if there is one; a batch must be one piece."""
        (result,) = self._run(statement, rows, values)
        row = result.fetchone()
        return tuple(row) if row is not None else None

    def only(self, statement: Statement, rows: Rows = None, **values: Any) -> tuple[Any, ...]:
        """The one row of an answer that always has one."""
        row = self.one(statement, rows, **values)
        if row is None:
            raise CatalogDamaged(
                "the catalog lacks a row that it must have",
                remedy="put a backup of it in place, and report this",
            )
        return row

    def change(self, statement: Statement, rows: Rows = None, **values: Any) -> int:
        """How many rows the statement wrote."""
        written = sum(result.rowcount for result in self._run(statement, rows, values))
        self._count.rows += written
        self.written += written
        return written

    def _run(self, statement: Statement, rows: Rows, values: dict[str, Any]) -> Iterator[Cursor]:
        """Run it once for each piece of a batch, or once where it reads none."""
        said = self._tongue.say(statement)
        if statement.batch is None or rows is None:
            packed: Iterable[dict[str, Any]] = ({},)
        else:
            packed = rows if isinstance(rows, Packed) else self.pack(statement.batch, rows)
        for piece in packed:
            self._count.calls += 1
            yield self.connection.execute(said, values | piece)

    def stream(self, statement: Statement, **values: Any) -> Generator[tuple[Any, ...], None, None]:
        """The answer's rows as they are read; a transaction must be open for as long."""
        self._count.calls += 1
        with closing(self.connection.stream(self._tongue.say(statement), values)) as result:
            for row in result:
                yield tuple(row)

    def undo(self) -> None:
        """Roll back what was begun; nothing happens where nothing was."""
        # Where even this fails, the connection is gone, and the database undoes what it began.
        with suppress(Exception):
            self.connection.rollback()
