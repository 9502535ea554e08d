"""A plugin whose upstream has parts: a feed names shelves, and each shelf lists its images."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from entrepot.plugin import Content, DeclarativeContent, FirstStage, InvalidMetadata, hookimpl
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply, Seen
from integration.firmware import Firmware, FirmwareList

TYPE = "shelves"


class ShelfList(FirmwareList):
    """Declare every image of every shelf; a shelf is a scope, known by its list's digest."""

    async def run(self) -> None:
        feed = json.loads((await self.remote.get_downloader(url=self.remote.url).run()).path.read_bytes())
        if ages := {name: _age(name, feed[name]) for name in ("serial", "moment", "expires") if name in feed}:
            await self.context.note_freshness("feed", **ages)
        for shelf in feed["shelves"]:
            await self._read(shelf)

    async def _read(self, shelf: str) -> None:
        url = f"{self.remote.url.rpartition('/')[0]}/{shelf}.json"
        answer = await self.remote.get_downloader(url=url).run()
        if await self.context.checkpoint(shelf) == answer.digests["sha256"]:
            await self.keep(shelf)
            return
        for entry in json.loads(answer.path.read_bytes()):
            unit = self.declared({"sha256": "0" * 64, "size": 1, **entry})
            scoped = DeclarativeContent(unit.content, unit.d_artifacts, scope=shelf)
            if "sha256" in entry:
                await self.put(scoped)
            else:
                await self.fail(scoped, InvalidMetadata("the entry has no digest", remedy="report it upstream"))
        await self.context.note_checkpoint(shelf, answer.digests["sha256"])


def _age(name: str, said: Any) -> Any:
    return said if name == "serial" else datetime.datetime.fromisoformat(said)


class ShelfUpstream:
    """Shelves of images that a test edits between syncs; `bad` images are served with other bytes."""

    def __init__(self, origin: BadOrigin) -> None:
        self.origin = origin
        self.shelves: dict[str, dict[str, str]] = {}
        self.bad: set[str] = set()
        self.ages: dict[str, Any] = {}
        self.undigested: set[str] = set()
        origin.on("/shop/*.bin", self._image)

    @property
    def url(self) -> str:
        return self.origin.url("/shop/feed.json")

    def fill(self, shelf: str, images: Mapping[str, str]) -> None:
        """Let a shelf have these images and no others, by name and text."""
        self.shelves[shelf] = dict(images)

    def publish(self) -> None:
        """Serve the feed and every list as they are."""
        self._put("feed", {"shelves": list(self.shelves), **self.ages})
        for shelf, images in self.shelves.items():
            self._put(shelf, [self._entry(name, text) for name, text in images.items()])

    def asked(self) -> list[str]:
        """The images that were asked for since the last time, in order of name."""
        asked = sorted(request.path[6:-4] for request in self.origin.requests if request.path.endswith(".bin"))
        self.origin.requests.clear()
        return asked

    def _entry(self, name: str, text: str) -> dict[str, Any]:
        entry = {"name": name, "file": f"{name}.bin", "size": len(text)}
        digest = hashlib.sha256(text.encode()).hexdigest()
        return entry if name in self.undigested else {**entry, "sha256": digest}

    def _put(self, name: str, said: object) -> None:
        self.origin.put(f"/shop/{name}.json", json.dumps(said).encode())

    def _image(self, request: Seen) -> Reply:
        name = request.path[6:-4]
        text = next(images[name] for images in self.shelves.values() if name in images)
        return Reply(body=text.swapcase().encode() if name in self.bad else text.encode())


@hookimpl
def entrepot_register_content_types() -> list[type[Content]]:
    return [Firmware]


@hookimpl
def entrepot_register_first_stages() -> list[FirstStage]:
    return [FirstStage(type=TYPE, make=lambda context: ShelfList(context.remote))]
