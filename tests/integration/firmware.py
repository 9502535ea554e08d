"""A whole plugin on one page, as a stranger would write it: images that a JSON feed lists."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urljoin

import attrs

from entrepot.plugin import (
    Artifact,
    Content,
    DeclarativeArtifact,
    DeclarativeContent,
    FirstStage,
    Remote,
    Stage,
    hookimpl,
    key,
)


@attrs.frozen
class Firmware(Content):
    TYPE = "firmware.image"
    name: str = key()
    sha256: str = ""
    yanked: bool = False
    note: str = ""


class FirmwareList(Stage):
    """Declare every image that the feed lists."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote

    async def run(self) -> None:
        for entry in await self.feed():
            await self.put(self.declared(entry))

    async def feed(self) -> list[dict[str, Any]]:
        feed = await self.remote.get_downloader(url=self.remote.url).run()
        entries: list[dict[str, Any]] = json.loads(feed.path.read_bytes())
        return entries

    def declared(self, entry: dict[str, Any]) -> DeclarativeContent:
        said = {name: entry[name] for name in ("name", "sha256", "yanked", "note") if name in entry}
        artifact = Artifact(sha256=entry["sha256"], size=entry["size"])
        url = urljoin(self.remote.url, entry.get("url", entry["file"]))
        where = DeclarativeArtifact(artifact, url, entry["file"], self.remote, deferred_download=self.remote.deferred)
        return DeclarativeContent(Firmware(**said), [where])


@hookimpl
def entrepot_register_content_types() -> list[type[Content]]:
    return [Firmware]


@hookimpl
def entrepot_register_first_stages() -> list[FirstStage]:
    return [FirstStage(type="firmware", make=lambda context: FirmwareList(context.remote))]
