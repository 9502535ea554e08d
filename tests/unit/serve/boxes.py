"""A plugin for these tests: boxes, each with a list of its own upstream, fetched when asked for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable

import attrs

from entrepot.plugin import (
    Content,
    DeclarativeContent,
    FirstStage,
    NotFound,
    Published,
    PublishedFile,
    Publisher,
    RunContext,
    Stage,
    Unpublished,
    UpstreamError,
    VersionView,
    hookimpl,
    indexed,
    key,
)

#: The box that is in the repository without anybody's asking.
USUAL = "usual"


@attrs.frozen
class Thing(Content):
    """What lies in a box."""

    TYPE = "boxes.thing"
    box: str = key(indexed=True)
    name: str = indexed()


class ReadBoxes(Stage):
    """Declare what the usual box has, and those that clients asked for."""

    async def run(self) -> None:
        pulled = await self.context.pulled()
        for box in pulled.groups if pulled.alone else (USUAL, *pulled.groups):
            unit = DeclarativeContent(Thing(box=box, name=""), scope=box)
            try:
                listed = await self.context.remote.get_downloader(url=f"{self.context.remote.url}/{box}").run()
            except NotFound:
                continue
            except UpstreamError as error:
                await self.fail(unit, error)
                continue
            name = json.loads(listed.path.read_bytes())
            await self.put(DeclarativeContent(Thing(box=box, name=name), scope=box))
            if pulled.alone:
                await self.context.note_pulled(box)


class Pages:
    """Publish a page for each box."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        there = [thing async for thing in version.contents(Thing)]
        for box in await version.values(Thing, "box", changed=True):
            if box not in {thing.box for thing in there}:
                yield Unpublished(f"{box}/")
        for thing in there:
            yield PublishedFile(f"{thing.box}/", "text/plain", thing.name.encode())


@hookimpl
def entrepot_register_content_types() -> list[type[Content]]:
    return [Thing]


@hookimpl
def entrepot_register_first_stages() -> list[FirstStage]:
    return [FirstStage(type="boxes", make=_make, pulls=_box_of), FirstStage(type="bins", make=_make)]


@hookimpl
def entrepot_register_publishers() -> list[Publisher]:
    return [Publisher("boxes", make=lambda _: Pages())]


def _make(_: RunContext) -> ReadBoxes:
    return ReadBoxes()


def _box_of(_: None) -> Callable[[str], str | None]:
    return lambda path: path[:-1] if path.endswith("/") and path[:-1].isalnum() else None
