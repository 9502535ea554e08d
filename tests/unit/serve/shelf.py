"""A plugin for these tests: artifacts that a JSON feed lists, and pages in several media types."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, BinaryIO
from urllib.parse import quote, urljoin

import attrs

from entrepot.plugin import (
    Artifact,
    Combining,
    Content,
    DeclarativeArtifact,
    DeclarativeContent,
    FirstStage,
    Merge,
    Published,
    PublishedFile,
    Publisher,
    Remote,
    Stage,
    VersionView,
    hookimpl,
    key,
)
from entrepot.testing.bad_origin import BadOrigin

JSON, HTML = "application/vnd.shelf.v1+json", "text/html"

#: Larger than what the catalog keeps itself.
LARGE_PAGE = b"large page\n" * 10_000


@attrs.frozen
class Item(Content):
    """A thing on the shelf."""

    TYPE = "shelf.item"
    path: str = key()


class ReadFeed(Stage):
    """Declare what the feed lists; without a size where the feed gives none."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote

    async def run(self) -> None:
        feed = await self.remote.get_downloader(url=self.remote.url).run()
        for entry in json.loads(feed.path.read_bytes()):
            artifact = Artifact(size=entry.get("size"), **entry["digests"])
            urls = [urljoin(self.remote.url, url) for url in entry["urls"]]
            where = DeclarativeArtifact(
                artifact, None, entry["path"], self.remote, deferred_download=self.remote.deferred, urls=urls
            )
            await self.put(DeclarativeContent(Item(path=entry["path"]), [where]))


class Pages:
    """Publish an index as a folder in two forms, a page in one, and a large page."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        names = [item.path async for item in version.contents(Item)]
        yield PublishedFile("index/", JSON, json.dumps(names).encode())
        yield PublishedFile("index/", HTML, f"<p>{' '.join(names)}</p>".encode())
        yield PublishedFile("plain.txt", "text/plain", " ".join(names).encode(), {"X-Shelf-Items": str(len(names))})
        yield PublishedFile("large.txt", "text/plain", LARGE_PAGE)


@hookimpl
def entrepot_register_content_types() -> list[type[Content]]:
    return [Item]


@hookimpl
def entrepot_register_first_stages() -> list[FirstStage]:
    return [FirstStage(type="shelf", make=lambda context: ReadFeed(context.remote))]


@hookimpl
def entrepot_register_publishers() -> list[Publisher]:
    return [
        Publisher(
            "shelf",
            make=lambda _: Pages(),
            usage=lambda url: f"shelf use {url}",
            is_lasting=is_lasting,
            combining=Combining(stands_for=label_of, merge=merge),
        )
    ]


def label_of(path: str) -> str:
    """What is in a box belongs together: the box is there when it has a label."""
    box, slash, _ = path.removeprefix("boxes/").partition("/")
    return f"boxes/{box}/label" if path.startswith("boxes/") and slash else path


def merge(path: str) -> Merge | None:
    """The index and the large page tell of everything."""
    if path == "large.txt":
        return lambda _, pages: (page.read() for page in pages)
    return merged_index if path == "index/" else None


def merged_index(media_type: str, indexes: Sequence[BinaryIO]) -> Iterator[bytes]:
    """All names, in order."""
    if media_type == JSON:
        yield json.dumps(sorted({name for index in indexes for name in json.load(index)})).encode()
    else:
        yield b" + ".join(index.read() for index in indexes)


def is_lasting(path: str) -> bool:
    """Paths that name their bytes."""
    return path.startswith("by-name-of-bytes/")


def entry(path: str, body: bytes, *, size: bool = True, algorithm: str = "sha256") -> dict[str, Any]:
    """The feed's line for a file of the origin at the same path."""
    digest = hashlib.new(algorithm, body).hexdigest()
    return {
        "path": path,
        "digests": {algorithm: digest},
        "urls": [quote(path)],
        **({"size": len(body)} if size else {}),
    }


def stock(origin: BadOrigin, files: Mapping[str, bytes], **given: Any) -> str:
    """Put files on the origin, and a feed that lists them; the feed's address."""
    for path, body in files.items():
        origin.put(f"/{quote(path)}", body)
    return origin.put("/feed.json", json.dumps([entry(path, body, **given) for path, body in files.items()]).encode())
