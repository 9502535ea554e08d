"""The contract of publishers holds for a good one, and each promise of it fails on one that breaks it."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from entrepot.plugin import Published, PublishedFile, VersionView
from entrepot.testing.publisher_contract import PublisherContract
from unit.testing.feed_plugin import FeedFile, FeedFormat, Plugin, WriteFeed
from unit.testing.verdicts import broken_promises, promises


class Kit(FeedFormat, PublisherContract):
    """The contract, for feeds."""

    histories = 2

    def links(self, path: str, body: bytes) -> Iterable[str]:
        return [line.split(" ", 2)[2] for line in body.decode().splitlines() if not line.startswith("#")]

    def mirror_of(self, address: str) -> str | None:
        return f"{address}/FEED"


class TestFeed(Kit):
    """A publisher as it should be."""


class Dated(WriteFeed):
    """Writes down on which day it was called."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        async for file in super().publish(version):
            yield file
        yield PublishedFile("DATE", "text/plain", f"# day {time.time() // 86400}".encode())


class Roaming(WriteFeed):
    """Publishes a second list above the root."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        async for file in super().publish(version):
            yield file
        stray = PublishedFile("above", "text/plain", b"")
        object.__setattr__(stray, "relative_path", "../above")
        yield stray


class Lagging(WriteFeed):
    """Publishes something beside when it is asked for what changed alone."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        if version.number > 1 and not version.whole:
            yield PublishedFile("SEEN", "text/plain", b"# a version before this one")
        async for file in super().publish(version):
            yield file


class Misleading(WriteFeed):
    """Has a page with a link to nothing."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        async for file in super().publish(version):
            yield file
        yield PublishedFile("LINKS", "text/plain", b"0a 1 nothing-is-here\n")


class Taciturn(WriteFeed):
    """Leaves the first file out of the feed."""

    async def files(self, version: VersionView) -> AsyncIterator[FeedFile]:
        number = itertools.count()
        async for file in super().files(version):
            if next(number):
                yield file


DATE, ROOT, GROWS, LINKS, MIRROR = (
    "test_equal_content_gives_equal_bytes",
    "test_what_is_published_lies_below_the_root",
    "test_a_publication_grows_into_what_a_new_one_would_be",
    "test_every_link_is_served",
    "test_what_was_published_can_be_mirrored",
)

#: Each double with the promise that it breaks, and one that it keeps.
BREAKS: dict[type[WriteFeed], tuple[str, str]] = {
    Dated: (DATE, ROOT),
    Roaming: (ROOT, DATE),
    Lagging: (GROWS, DATE),
    Misleading: (LINKS, ROOT),
    Taciturn: (MIRROR, LINKS),
}


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__)
async def test_a_publisher_that_breaks_a_promise_is_found_out(tmp_path: Path, broken: type[WriteFeed]) -> None:
    """The promise that it breaks fails, and another one holds."""
    breaks, keeps = BREAKS[broken]

    class Broken(Kit):
        plugins: ClassVar[Any] = [("feed", Plugin(publisher=broken))]

    assert await broken_promises(Broken, tmp_path, only=[breaks, keeps]) == {breaks}


@pytest.mark.sweep
@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__)
async def test_no_other_promise_fails(tmp_path: Path, broken: type[WriteFeed]) -> None:
    """A contract that accuses of more than was done sends its reader looking in the wrong place."""

    class Broken(Kit):
        plugins: ClassVar[Any] = [("feed", Plugin(publisher=broken))]

    assert await broken_promises(Broken, tmp_path) == {BREAKS[broken][0]}


def test_every_promise_catches_somebody() -> None:
    """A promise that nobody can break promises nothing."""
    assert {breaks for breaks, _ in BREAKS.values()} == set(promises(PublisherContract))
