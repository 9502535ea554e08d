"""Content numbers: given out by whoever writes, without asking the database for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from entrepot.catalog.reserved import CONTENT_BLOCK
from entrepot.catalog.statement import Session, Statement

#: SQLite has one writer at a time, who goes on after the highest number; PostgreSQL gives each
#: batch a block of its own from a sequence, of which some are never used.
_BLOCK: Final = Statement("SELECT {next_content} FROM lease LIMIT 1")


def content_numbers(session: Session, first: int, wanted: int) -> Sequence[int]:
    """So many unused numbers, ascending; the first came with the fence."""
    numbers = [*range(first, first + min(wanted, CONTENT_BLOCK))]
    while len(numbers) < wanted:
        (start,) = session.only(_BLOCK)
        start = max(start, numbers[-1] + 1)
        numbers += range(start, start + min(wanted - len(numbers), CONTENT_BLOCK))
    return numbers
