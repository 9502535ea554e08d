"""A version as its publisher reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import attrs

from entrepot.model.content import Content, decode_fields, shape_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from entrepot.model.ledger import ContentRow, PathRow

C = TypeVar("C", bound=Content)


class Pages(Protocol):
    """A version, asked a page at a time: the ledger of one under construction, or a finished one."""

    @property
    def number(self) -> int: ...

    async def contents(
        self, type_name: str, *, where: tuple[str, str] | None = None, after: str = ""
    ) -> list[ContentRow]: ...

    async def paths(self, type_name: str, *, after: tuple[str, int] = ("", 0)) -> list[PathRow]: ...
    async def values(self, type_name: str, field: str, *, changed: bool = False) -> list[str]: ...


@attrs.frozen
class LedgerView:
    """Reads a version page by page, so that nothing proportional to it stands in memory."""

    repository: str
    ledger: Pages
    whole: bool

    @property
    def number(self) -> int:
        """The number that the version has, or will have."""
        return self.ledger.number

    async def contents(self, cls: type[C], *, where: tuple[str, str] | None = None) -> AsyncIterator[C]:
        """Members of one type in order of key."""
        type_name, after = shape_of(cls).type, ""
        while rows := await self.ledger.contents(type_name, where=where, after=after):
            for row in rows:
                yield decode_fields(cls, row.fields)
            after = rows[-1].key

    async def paths(self, cls: type[Content]) -> AsyncIterator[PathRow]:
        """Artifacts of members of one type, in order of path."""
        type_name, after = shape_of(cls).type, ("", 0)
        while rows := await self.ledger.paths(type_name, after=after):
            for row in rows:
                yield row
            after = (rows[-1].relative_path, rows[-1].content)

    async def values(self, cls: type[Content], field: str, *, changed: bool = False) -> list[str]:
        """Distinct values of an indexed field; with `changed`, of what came or went."""
        return await self.ledger.values(shape_of(cls).type, field, changed=changed and not self.whole)
