"""Publications: the files that a client reads for one version, and who writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import attrs

from entrepot.model.relative_path import relative_path as checked_path

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from entrepot.model.content import Content
    from entrepot.model.ledger import PathRow

    C = TypeVar("C", bound=Content)


def published_path(text: str) -> str:
    """Accept a path that a client may ask for; one that ends with '/' stands for a folder."""
    return checked_path(text.removesuffix("/")) + "/" * text.endswith("/")


@attrs.frozen
class PublishedFile:
    """A metadata file of a version: its path, media type, and bytes.

    Several files may share a path with different media types; clients choose by `Accept`. A path
    that ends with '/' answers for that folder. A body that may not fit in memory is an async iterable,
    however small it turns out to be.
    """

    relative_path: str = attrs.field(converter=published_path)
    media_type: str
    body: bytes | AsyncIterable[bytes] = attrs.field(repr=False)


@attrs.frozen
class Unpublished:
    """Files at this path, of every media type, are not part of the version."""

    relative_path: str


#: What a publisher yields: a file of the version, or a path that it has no more.
Published: TypeAlias = PublishedFile | Unpublished


class VersionView(Protocol):
    """The version under construction, as a publisher reads it.

    `whole` is true when every file must be written anew: the first version, another publisher or
    other options. Otherwise files of the version before stand until they are replaced.
    """

    @property
    def repository(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def whole(self) -> bool: ...

    def contents(self, cls: type[C], *, where: tuple[str, str] | None = None) -> AsyncIterator[C]:
        """Members of one type in order of key; `where` names an indexed field and its value."""

    def paths(self, cls: type[Content]) -> AsyncIterator[PathRow]:
        """Artifacts of members of one type, in order of path."""

    async def values(self, cls: type[Content], field: str, *, changed: bool = False) -> list[str]:
        """Distinct values of an indexed field, in order.

        With `changed`, only those of contents that came or went; all of them when `whole`.
        """


class Publisher(Protocol):
    """Writes a version's metadata files.

    Called once in the seal, after the version's content is settled. Equal content must give equal
    bytes. Each file's body is read before the next file is asked for. A failure means that no version
    appears.
    """

    def publish(self, version: VersionView) -> AsyncIterator[Published]: ...
