"""Where the bodies that a publisher yields are kept."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from entrepot.errors import EntrepotError
from entrepot.pipeline.errors import RunTooLong, StageStalled
from entrepot.plugin import (
    Content,
    DeclarativeContent,
    FirstStage,
    Published,
    PublishedFile,
    Publisher,
    Stage,
    Unpublished,
    VersionView,
    hookimpl,
    key,
)
from entrepot.publish.build import LARGEST_ROW
from entrepot.testing import depot, sync


@attrs.frozen
class Page(Content):
    TYPE = "book.page"
    name: str = key()


class OnePage(Stage):
    async def run(self) -> None:
        await self.put(DeclarativeContent(Page("one")))


async def streamed(body: bytes) -> AsyncIterator[bytes]:
    """A body in pieces, an empty one among them."""
    for piece in (body[:10], b"", body[10:]):
        yield piece


@attrs.frozen
class WholeAndStreamed:
    """Publishes one body in both ways."""

    body: bytes

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        yield PublishedFile("whole", "text/plain", self.body)
        yield PublishedFile(f"{version.repository}/streamed", "text/plain", streamed(self.body))


class ChangesItsMind:
    """Publishes and removes two paths, in either order."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        yield PublishedFile("gone", "text/plain", b"first")
        yield Unpublished("gone")
        yield Unpublished("there")
        yield PublishedFile("there", "text/plain", str(version.number).encode())


@attrs.frozen
class Book:
    """A plugin whose versions are published so."""

    made: Any

    @hookimpl
    def entrepot_register_content_types(self) -> list[type[Content]]:
        return [Page]

    @hookimpl
    def entrepot_register_first_stages(self) -> list[FirstStage]:
        return [FirstStage("book", make=lambda _: OnePage())]

    @hookimpl
    def entrepot_register_publishers(self) -> list[Publisher]:
        return [Publisher("book", make=lambda _: self.made)]


@pytest.mark.parametrize("size", [0, 1, LARGEST_ROW, LARGEST_ROW + 1, 1_000_000])
async def test_where_a_body_is_kept_depends_on_its_size_alone(tmp_path: Path, size: int) -> None:
    """Small ones stand with the rows, large ones in storage; a publisher need not know which is which."""
    body = b"x" * size
    table = {"type": "book", "url": "https://vendor.example/"}

    with depot(tmp_path, {"tales": table}, plugins=[("book", Book(WholeAndStreamed(body)))], installed=False) as opened:
        await sync(opened, "tales")

        for path in ("whole", "tales/streamed"):
            (located,) = opened.catalog.reader.locate("tales", 1, path)
            if size <= LARGEST_ROW:
                assert (located.body, located.artifact) == (body, None)
            else:
                assert located.artifact is not None
                with opened.storage.open(located.artifact.sha256) as file:
                    assert file.read() == body


async def test_of_a_file_and_its_removal_what_comes_later_holds(tmp_path: Path) -> None:
    """Whatever order a publisher finds simplest is right."""
    table = {"type": "book", "url": "https://vendor.example/"}

    with depot(tmp_path, {"tales": table}, plugins=[("book", Book(ChangesItsMind()))], installed=False) as opened:
        await sync(opened, "tales")

        reader = opened.catalog.reader
        assert reader.locate("tales", 1, "gone") == []
        assert [found.body for found in reader.locate("tales", 1, "there")] == [b"1"]


async def test_what_a_publisher_wrote_goes_with_it(tmp_path: Path) -> None:
    """A type that nobody publishes any more has no published files in its next version."""
    tables = {"tales": {"type": "book", "url": "https://vendor.example/"}}
    book = Book(ChangesItsMind())
    with depot(tmp_path, tables, plugins=[("book", book)], installed=False) as opened:
        await sync(opened, "tales")

    class Unread(Book):
        @hookimpl
        def entrepot_register_publishers(self) -> list[Publisher]:
            return []

    with depot(tmp_path, tables, plugins=[("book", Unread(None))], installed=False) as opened:
        await sync(opened, "tales")

        assert opened.catalog.reader.locate("tales", 1, "there") != []
        assert opened.catalog.reader.locate("tales", 2, "there") == []


class WaitsForEver:
    """Publishes a file, and then nothing, and does not end."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        yield PublishedFile("first", "text/plain", b"")
        await asyncio.Event().wait()


class GoesOnForEver:
    """Publishes one file after the other."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        for number in itertools.count():
            await asyncio.sleep(0)
            yield PublishedFile(f"file-{number}", "text/plain", b"")


@pytest.mark.fault("D09")
@pytest.mark.parametrize(
    ("publisher", "limit", "error"),
    [(WaitsForEver(), "stall_timeout", StageStalled), (GoesOnForEver(), "sync_timeout", RunTooLong)],
)
async def test_a_publisher_without_end_fails_its_own_sync(
    tmp_path: Path, publisher: Any, limit: str, error: type[EntrepotError]
) -> None:
    """It is named with its plugin, and no version is made."""
    table = {"type": "book", "url": "https://vendor.example/"}
    with depot(tmp_path, {"tales": table}, plugins=[("library", Book(publisher))], installed=False) as opened:
        changed: dict[str, Any] = {limit: 2.0}
        opened.settings = attrs.evolve(opened.settings, **changed)

        with pytest.raises(error) as caught:
            async with asyncio.timeout(60):
                await sync(opened, "tales")

        assert caught.value.where == "publisher of 'book' of plugin 'library'"
        assert limit in caught.value.remedy
        assert opened.catalog.reader.versions("tales") == []
