"""A finished version, asked as the one under construction is: for a publisher that writes it again."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from entrepot.catalog import settled
from entrepot.catalog.pages import PathPages
from entrepot.catalog.reserved import OPEN
from entrepot.catalog.snapshot import snapshot

if TYPE_CHECKING:
    from entrepot.catalog.statement import StatementCount
    from entrepot.catalog.writing import Database
    from entrepot.model.ledger import ContentRow, PathRow


@attrs.frozen
class _Span:
    number: int
    values: dict[str, Any]


class FinishedVersion:
    """Members of a version in pages, used by one task; pruned meanwhile, it seems to end early."""

    def __init__(self, database: Database, count: StatementCount, *, repository: int, number: int) -> None:
        self._span = _Span(number, {"repository": repository, "number": number, "run": -1, "open": OPEN})
        self._reading = partial(snapshot, database, count)
        self._paths = PathPages(database, count)

    @property
    def number(self) -> int:
        """The version's number."""
        return self._span.number

    async def contents(
        self, type_name: str, *, where: tuple[str, str] | None = None, after: str = "", limit: int = 2000
    ) -> list[ContentRow]:
        """Members in order of key; `where` names an indexed field and its value."""
        return await asyncio.to_thread(self._contents, type_name, where, after, limit)

    async def paths(self, type_name: str, *, after: tuple[str, int] = ("", 0), limit: int = 5000) -> list[PathRow]:
        """Artifacts of members in order of path and content."""
        return await asyncio.to_thread(self._paths.page, self._span, type_name, after, limit)

    async def values(self, type_name: str, field: str, *, changed: bool = False) -> list[str]:
        """Distinct values of an indexed field, in order; with `changed`, only of what came or went."""
        return await asyncio.to_thread(self._values, type_name, field, changed=changed)

    def close(self) -> None:
        """Let go of pages that were not read to their end."""
        self._paths.close()

    def _contents(self, type_name: str, where: tuple[str, str] | None, after: str, limit: int) -> list[ContentRow]:
        with self._reading() as session:
            return settled.contents(session, self._span, type_name, where, after, limit)

    def _values(self, type_name: str, field: str, *, changed: bool) -> list[str]:
        with self._reading() as session:
            return settled.values(session, self._span, type_name, field, changed=changed)
