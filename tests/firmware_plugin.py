"""The firmware plugin with all that a command line can ask of one: options, a publisher, a command."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import attrs
import click

from entrepot.plugin import FirstStage, Published, PublishedFile, Publisher, Remote, VersionView, hookimpl
from integration import firmware
from integration.firmware import Firmware

entrepot_register_content_types = firmware.entrepot_register_content_types


@attrs.frozen
class FirmwareOptions:
    """What a repository of firmware can be told; with `patience`, to wait for ever."""

    only: tuple[str, ...] = ()
    patience: bool = False


class FirmwareList(firmware.FirmwareList):
    """Declare the images that are asked for."""

    def __init__(self, remote: Remote, options: FirmwareOptions) -> None:
        super().__init__(remote)
        self.options = options

    async def feed(self) -> list[dict[str, Any]]:
        if self.options.patience:
            await asyncio.Event().wait()
        only = self.options.only
        return [entry for entry in await super().feed() if not only or entry["name"] in only]


class FeedPublisher:
    """Writes the feed anew."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        names = [image.name async for image in version.contents(Firmware)]
        yield PublishedFile("feed.json", "application/json", json.dumps(names).encode())


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
