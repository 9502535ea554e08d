"""A small format, to try contracts on: a feed that names files, in lines of digest, size and path."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, ClassVar
from urllib.parse import quote, urljoin

import attrs

from entrepot.plugin import (
    Artifact,
    Content,
    DeclarativeArtifact,
    DeclarativeContent,
    EntrepotError,
    FirstStage,
    InvalidMetadata,
    Published,
    PublishedFile,
    Publisher,
    Remote,
    Stage,
    VersionView,
    facts,
    hookimpl,
    key,
)
from entrepot.testing.format_contract import FormatContract, Site
from entrepot.testing.strategies import Files


@attrs.frozen
class FeedFile(Content):
    TYPE = "feed.file"
    path: str = key()
    sha256: str = ""
    size: int = 0


class ReadFeed(Stage):
    """Declares what the feed lists."""

    gives = frozenset({facts.DECLARED})

    def __init__(self, remote: Remote) -> None:
        self.remote = remote

    async def run(self) -> None:
        feed = await self.remote.get_downloader(url=self.remote.url).run()
        for line in self.lines(feed.path.read_text(encoding="utf-8", errors="replace")):
            await self.declare(line)

    def lines(self, text: str) -> Iterator[str]:
        yield from text.splitlines()

    async def declare(self, line: str) -> None:
        sha256, _, rest = line.partition(" ")
        size, _, path = rest.partition(" ")
        if not size.isdigit():
            raise InvalidMetadata(f"{line!r:.80} is no line", where=self.remote.url, remedy="mend the feed")
        content = FeedFile(path, sha256, int(size))
        try:
            unit = DeclarativeContent(content, [self.artifact(content)])
        except EntrepotError as error:
            await self.fail(DeclarativeContent(content), error)
        else:
            await self.put(unit)

    def artifact(self, file: FeedFile) -> DeclarativeArtifact:
        url = urljoin(self.remote.url, quote(file.path))
        artifact = Artifact(file.sha256, file.size)
        return DeclarativeArtifact(artifact, url, file.path, self.remote, deferred_download=self.remote.deferred)


class WriteFeed:
    """Publishes the feed again."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        yield PublishedFile("FEED", "text/plain", b"".join([feed_line(file) async for file in self.files(version)]))

    async def files(self, version: VersionView) -> AsyncIterator[FeedFile]:
        async for file in version.contents(FeedFile):
            yield file


def feed_line(file: FeedFile) -> bytes:
    """Write a line of a feed."""
    return f"{file.sha256} {file.size} {file.path}\n".encode()


def feed_of(files: Files) -> bytes:
    """Write the feed of some files."""
    listed = [FeedFile(path, hashlib.sha256(body).hexdigest(), len(body)) for path, body in files.items()]
    return b"".join(feed_line(file) for file in listed)


@attrs.frozen
class Plugin:
    """The plugin, with a first stage and a publisher of the test's choice."""

    first_stage: type[ReadFeed] = ReadFeed
    publisher: type[WriteFeed] = WriteFeed

    @hookimpl
    def entrepot_register_content_types(self) -> Sequence[type[Content]]:
        return [FeedFile]

    @hookimpl
    def entrepot_register_first_stages(self) -> Sequence[FirstStage]:
        return [FirstStage("feed", make=lambda context: self.first_stage(context.remote))]

    @hookimpl
    def entrepot_register_publishers(self) -> Sequence[Publisher]:
        return [Publisher("feed", make=lambda _: self.publisher())]


class FeedFormat(FormatContract):
    """How an upstream of the format looks."""

    plugins: ClassVar[Sequence[tuple[str, Any]]] = [("feed", Plugin())]
    type = "feed"

    def lay_out(self, site: Site, files: Files) -> str:
        for path, body in files.items():
            site.origin.put(f"/{quote(path)}", body)
        return site.origin.put("/FEED", feed_of(files))
