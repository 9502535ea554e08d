"""Where the bodies that a publisher yields are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest

from entrepot.plugin import (
    Content,
    DeclarativeContent,
    FirstStage,
    Published,
    PublishedFile,
    Publisher,
    Stage,
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


@attrs.frozen
class Book:
    """A plugin whose versions have that body, twice."""

    body: bytes

    @hookimpl
    def entrepot_register_content_types(self) -> list[type[Content]]:
        return [Page]

    @hookimpl
    def entrepot_register_first_stages(self) -> list[FirstStage]:
        return [FirstStage("book", make=lambda _: OnePage())]

    @hookimpl
    def entrepot_register_publishers(self) -> list[Publisher]:
        return [Publisher("book", make=lambda _: WholeAndStreamed(self.body))]


@pytest.mark.parametrize("size", [0, 1, LARGEST_ROW, LARGEST_ROW + 1, 1_000_000])
async def test_where_a_body_is_kept_depends_on_its_size_alone(tmp_path: Path, size: int) -> None:
    """Small ones stand with the rows, large ones in storage; a publisher need not know which is which."""
    body = b"x" * size
    table = {"type": "book", "url": "https://vendor.example/"}

    with depot(tmp_path, {"tales": table}, plugins=[("book", Book(body))], installed=False) as opened:
        await sync(opened, "tales")

        for path in ("whole", "tales/streamed"):
            (located,) = opened.catalog.reader.locate("tales", 1, path)
            if size <= LARGEST_ROW:
                assert (located.body, located.artifact) == (body, None)
            else:
                assert located.artifact is not None
                with opened.storage.open(located.artifact.sha256) as file:
                    assert file.read() == body
