"""A small whole plugin: firmware images, as a JSON feed lists them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from urllib.parse import urljoin

import attrs
import click

from entrepot.plugin import (
    Artifact,
    Content,
    DeclarativeArtifact,
    DeclarativeContent,
    FirstStage,
    Published,
    PublishedFile,
    Publisher,
    Remote,
    Stage,
    VersionView,
    hookimpl,
    key,
)


@attrs.frozen
class Firmware(Content):
    """One image."""

    TYPE = "firmware.image"
    name: str = key()
    sha256: str = ""
    note: str = ""


@attrs.frozen
class FirmwareOptions:
    """What a repository of firmware can be told; with `patience`, to wait for ever."""

    only: tuple[str, ...] = ()
    patience: bool = False


class FirmwareList(Stage):
    """Declare every image that the feed lists."""

    def __init__(self, remote: Remote, options: FirmwareOptions) -> None:
        self.remote = remote
        self.options = options

    async def run(self) -> None:
        if self.options.patience:
            await asyncio.Event().wait()
        feed = await self.remote.get_downloader(url=self.remote.url).run()
        for entry in json.loads(feed.path.read_bytes()):
            if self.options.only and entry["name"] not in self.options.only:
                continue
            image = Firmware(name=entry["name"], sha256=entry["sha256"], note=entry.get("note", ""))
            artifact = Artifact(sha256=entry["sha256"], size=entry["size"])
            url = urljoin(self.remote.url, entry["file"])
            where = DeclarativeArtifact(
                artifact, url, entry["file"], self.remote, deferred_download=self.remote.deferred
            )
            await self.put(DeclarativeContent(image, [where]))


class FeedPublisher:
    """Writes the feed anew."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        names = [image.name async for image in version.contents(Firmware)]
        yield PublishedFile("feed.json", "application/json", json.dumps(names).encode())


@hookimpl
def entrepot_register_content_types() -> list[type[Content]]:
    return [Firmware]


@hookimpl
def entrepot_register_first_stages() -> list[FirstStage]:
    make = FirstStage("firmware", lambda context: FirmwareList(context.remote, context.options), FirmwareOptions)
    return [make]


@hookimpl
def entrepot_register_publishers() -> list[Publisher]:
    return [Publisher("firmware", lambda _: FeedPublisher(), usage=lambda url: f"fetch {url}feed.json")]


@hookimpl
def entrepot_register_commands(group: click.Group) -> None:
    @group.command("flash")
    @click.argument("image")
    def flash(image: str) -> int:
        """Flash an image."""
        click.echo(f"flashed {image}")
        return 4
