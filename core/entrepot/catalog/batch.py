"""A batch as a relation: what a statement reads its many rows from.

A statement names its columns once, `Batch("key text, content int")`, and reads `FROM {batch}`; each
database hands the whole batch over as a few parameters. One statement for a batch is faster than
one for each row, and while it runs no other thread waits for the interpreter.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """How a column's values look; `SHA256` is for 32 bytes exactly."""

    INT = "int"
    TEXT = "text"
    BLOB = "blob"
    SHA256 = "sha256"


class BatchColumn(NamedTuple):
    """One column; only a `nullable` one may hold None."""

    name: str
    kind: Kind
    nullable: bool


class Batch:
    """The columns of a batch; written `name kind`, with `?` after the kind where None may stand."""

    def __init__(self, columns: str) -> None:
        self.columns = tuple(_column(text) for text in columns.split(","))


def _column(text: str) -> BatchColumn:
    name, kind = text.split()
    return BatchColumn(name, Kind(kind.removesuffix("?")), kind.endswith("?"))
