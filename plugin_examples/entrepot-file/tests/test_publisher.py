"""Both kinds of list, as they are published."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

import attrs
import pytest

from entrepot.plugin import Content, PathRow, PublishedFile, Unpublished
from entrepot_file.content import FileContent
from entrepot_file.publisher import ListPublisher

SHA256 = "0a" * 32

C = TypeVar("C", bound=Content)


@attrs.frozen
class InMemoryVersion:
    """A version under construction, as a publisher sees it."""

    members: Sequence[FileContent]
    whole: bool = True
    repository: str = "isos"
    number: int = 1

    async def contents(self, cls: type[C], *, where: tuple[str, str] | None = None) -> AsyncIterator[C]:
        """Members, in the order in which they are."""
        for member in self.members:
            if isinstance(member, cls):
                yield member

    async def paths(self, cls: type[Content]) -> AsyncIterator[PathRow]:
        """Nothing asks for paths."""
        rows: tuple[PathRow, ...] = ()
        for row in rows:
            yield row

    async def values(self, cls: type[Content], field: str, *, changed: bool = False) -> list[str]:
        """Nothing asks for values."""
        return []


async def published(version: InMemoryVersion) -> dict[str, bytes | None]:
    """Everything that is published, by path; None for what is taken away."""
    found: dict[str, bytes | None] = {}
    async for file in ListPublisher().publish(version):
        match file:
            case PublishedFile(relative_path=path, body=bytes(body)):
                found[path] = body
            case PublishedFile(relative_path=path, body=pieces):
                found[path] = b"".join([piece async for piece in pieces])
            case Unpublished(relative_path=path):
                found[path] = None
    return found


async def test_both_lists_name_every_file() -> None:
    """One line a file, in the order of the version; a size of zero is a size."""
    files = [FileContent("a b", SHA256, 0), FileContent("folder/c,d", SHA256, 7)]

    assert await published(InMemoryVersion(files)) == {
        "SHA256SUMS": f"{SHA256}  a b\n{SHA256}  folder/c,d\n".encode(),
        "PULP_MANIFEST": f"a b,{SHA256},0\nfolder/c,d,{SHA256},7\n".encode(),
    }


async def test_an_empty_version_has_empty_lists() -> None:
    """A client learns that there is nothing, rather than nothing at all."""
    assert await published(InMemoryVersion([])) == {"SHA256SUMS": b"", "PULP_MANIFEST": b""}


async def test_where_a_size_is_not_known_there_is_no_manifest() -> None:
    """Half a manifest would look like a whole one."""
    files = [FileContent("a", SHA256, 1), FileContent("b", SHA256, None)]

    assert await published(InMemoryVersion(files)) == {
        "SHA256SUMS": f"{SHA256}  a\n{SHA256}  b\n".encode(),
        "PULP_MANIFEST": None,
    }


async def test_a_name_that_a_manifest_takes_for_a_comment_is_in_the_other_list() -> None:
    """Readers of manifests pass over lines that begin with '#'."""
    found = await published(InMemoryVersion([FileContent("#a", SHA256, 1)]))

    assert found == {"SHA256SUMS": f"{SHA256}  #a\n".encode(), "PULP_MANIFEST": b""}


async def test_large_lists_are_streamed_and_the_same() -> None:
    """Whatever the size, every line is there once, and both lists agree."""
    files = [FileContent(f"folder/{number:06}", SHA256, number) for number in range(20_000)]

    found = await published(InMemoryVersion(files))

    assert found["SHA256SUMS"] == "".join(f"{SHA256}  {file.relative_path}\n" for file in files).encode()
    assert found["PULP_MANIFEST"] == "".join(f"{file.relative_path},{SHA256},{file.size}\n" for file in files).encode()


async def test_memory_does_not_grow_with_the_version() -> None:
    """A hundred thousand files are listed in the memory of a few thousand."""

    class Endless(Sequence[FileContent]):
        def __len__(self) -> int:
            return 100_000

        def __getitem__(self, place: Any) -> Any:
            if place >= len(self):
                raise IndexError(place)
            return FileContent(f"folder/{place:06}", SHA256, place)

    tracemalloc.start()
    try:
        async for file in ListPublisher().publish(InMemoryVersion(Endless())):
            match file:
                case PublishedFile(body=bytes()):
                    pytest.fail("a list of many megabytes was handed over whole")
                case PublishedFile(body=pieces):
                    assert sum([len(piece) async for piece in pieces]) > 5_000_000
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
