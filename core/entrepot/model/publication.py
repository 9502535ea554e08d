"""Publications: the files that a client reads for one version, and who writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeVar

import attrs

from entrepot.model.relative_path import relative_path as checked_path

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from entrepot.model.content import Content
    from entrepot.model.ledger import PathRow

    C = TypeVar("C", bound=Content)


#: Headers that tell what is in a file; all others speak of how it is sent, which is the server's business.
_OWN_HEADER: Final = re.compile(r"X-[A-Za-z0-9-]{1,60}", re.ASCII)
_HEADER_VALUE: Final = re.compile(r"[!-~]([ -~]{0,198}[!-~])?", re.ASCII)


def _checked_headers(_: object, __: attrs.Attribute[Any], headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _OWN_HEADER.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(
                f"{name!r:.80}: {value!r:.80} cannot be a header of a published file: its name begins with X-,"
                " and its value is up to 200 printable characters of ASCII"
            )


def written_headers(headers: Mapping[str, str]) -> str:
    """Write headers as the catalog keeps them, the same for equal ones."""
    return json.dumps(dict(headers), sort_keys=True, separators=(",", ":")) if headers else ""


def read_headers(text: str) -> Mapping[str, str]:
    """Read what `written_headers` wrote."""
    return dict(json.loads(text)) if text else {}


def published_path(text: str) -> str:
    """Accept a path that a client may ask for; one that ends with '/' stands for a folder."""
    return checked_path(text.removesuffix("/")) + "/" * text.endswith("/")


@attrs.frozen
class PublishedFile:
    """A metadata file of a version: its path, media type, and bytes.

    Several files may share a path with different media types; clients choose by `Accept`. A path
    that ends with '/' answers for that folder. A body that may not fit in memory is an async iterable,
    however small it turns out to be. `headers` go with every answer that carries the file: names that
    begin with `X-`, as an index tells its count of changes.
    """

    relative_path: str = attrs.field(converter=published_path)
    media_type: str
    body: bytes | AsyncIterable[bytes] = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, validator=_checked_headers)


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
