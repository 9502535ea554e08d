"""Downloads what is missing and not deferred."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from entrepot.errors import EntrepotError
from entrepot.model import facts
from entrepot.model.declarative import Declared
from entrepot.stages.stage import Stage

if TYPE_CHECKING:
    from entrepot.model.declarative import DeclarativeArtifact, DeclarativeContent


class ArtifactDownloader(Stage):
    """Downloads artifacts that are neither held nor deferred, many at once.

    Units pass on as soon as all their artifacts are here, so they may overtake each other. At most
    `in_flight` units are downloaded at one time; how many requests that makes is the remote's
    affair. A unit whose download fails for good is failed, and its other downloads are dropped.
    """

    needs: ClassVar = frozenset({facts.ARTIFACTS_QUERIED})
    gives: ClassVar = frozenset({facts.DOWNLOADED})

    def __init__(self, *, in_flight: int = 100) -> None:
        self.in_flight = in_flight

    async def run(self) -> None:
        room = asyncio.Semaphore(self.in_flight)
        async with asyncio.TaskGroup() as downloads:
            async for unit in self.items():
                missing = [artifact for artifact in unit.d_artifacts if _is_missing(artifact)]
                if not missing:
                    await self.put(unit)
                    continue
                await room.acquire()
                task = downloads.create_task(self._download(unit, missing))
                task.add_done_callback(lambda _: room.release())

    async def _download(self, unit: DeclarativeContent, missing: list[DeclarativeArtifact]) -> None:
        try:
            fetched = await self.context.fetch(missing)
        except EntrepotError as error:
            await self.fail(unit, error)
            return
        for artifact, state in zip(missing, fetched, strict=True):
            artifact.state = state
        await self.put(unit)


def _is_missing(artifact: DeclarativeArtifact) -> bool:
    return isinstance(artifact.state, Declared) and not artifact.deferred_download
