"""Content numbers: who gives them out, without asking the database for each."""

from __future__ import annotations

import threading
from typing import Final

from entrepot.catalog.schema import CONTENT_BLOCK
from entrepot.catalog.statement import Session, Statement

_BLOCK: Final = Statement("SELECT nextval('content_block') FROM generate_series(1, :blocks)")


def next_numbers(session: Session, highest: int, wanted: int) -> list[int]:
    """The next ones; right where one writer at a time reads the highest and writes."""
    del session
    return list(range(highest + 1, highest + 1 + wanted))


class BlockNumbers:
    """Numbers from blocks that a sequence gave to this process alone; some are never used."""

    def __init__(self) -> None:
        self._unused: list[int] = []
        self._lock = threading.Lock()

    def __call__(self, session: Session, highest: int, wanted: int) -> list[int]:
        del highest
        with self._lock:
            lacking = wanted - len(self._unused)
            if lacking > 0:
                blocks = -(-lacking // CONTENT_BLOCK)
                for (start,) in session.all(_BLOCK, blocks=blocks):
                    self._unused += range(start, start + CONTENT_BLOCK)
            taken, self._unused = self._unused[:wanted], self._unused[wanted:]
        return taken
