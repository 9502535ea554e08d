"""An upstream that misbehaves, a folder to receive in, and waits that take no time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from entrepot.download.downloads import Downloads
from entrepot.download.file import FileFetcher
from entrepot.download.http import HttpFetcher
from entrepot.download.protocol import FetcherFactory
from entrepot.download.scratch import ScratchReceiver
from entrepot.events import Event, Retrying
from entrepot.model.artifact import Artifact
from entrepot.model.downloading import Download, Validator
from entrepot.model.incoming import Received
from entrepot.model.remote import Access, Politeness, Remote
from entrepot.testing.bad_origin import BadOrigin


class Waits:
    """A clock that runs as always, and leaps ahead by whatever anybody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.sleep_for_ever = False
        self._ahead = 0.0

    def clock(self) -> float:
        return time.monotonic() + self._ahead

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._ahead += seconds
        await asyncio.sleep(0)
        if self.sleep_for_ever:
            await asyncio.Event().wait()


class Desk:
    """An origin, a folder for what comes in, and downloads between them."""

    def __init__(self, origin: BadOrigin, folder: Path, fetchers: Mapping[str, FetcherFactory] | None = None) -> None:
        self.origin, self.folder, self.waits = origin, folder, Waits()
        self.told: list[Event] = []
        self.access = Access()
        self.limits: dict[str, Any] = {"retries": 2}
        self.receiver = ScratchReceiver(folder)
        self.downloads = Downloads(
            fetchers=fetchers or {"http": HttpFetcher, "https": HttpFetcher, "file": FileFetcher},
            listener=self.told.append,
            clock=self.waits.clock,
            sleep=self.waits.sleep,
            rng=random.Random(7),
        )

    async def came_in(self, count: int) -> None:
        """Wait until so many bytes of bodies were read; nobody else tells when a peer only stalls."""
        async with asyncio.timeout(10):
            while self.downloads.bytes < count:  # noqa: ASYNC110  # the counter is read by displays, and wakes nobody
                await asyncio.sleep(0.001)

    @property
    def remote(self) -> Remote:
        return Remote(self.origin.url("/"), access=self.access, politeness=Politeness(**self.limits))

    @property
    def retries(self) -> list[Retrying]:
        return [event for event in self.told if isinstance(event, Retrying)]

    @property
    def litter(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    async def get(
        self,
        path: str,
        artifact: Artifact | None = None,
        *,
        validator: Validator | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Download:
        """Download metadata; a path is one of the origin, a URL is taken as it is."""
        downloader = self.downloads.downloader(
            self.remote,
            self._url(path),
            receiver=self.receiver,
            artifact=artifact,
            validator=validator,
            headers=headers,
        )
        return await downloader.run()

    async def fetch(self, paths: str | Sequence[str], artifact: Artifact) -> Received:
        """Download an artifact."""
        urls = [self._url(path) for path in ([paths] if isinstance(paths, str) else paths)]
        return await self.downloads.fetch(self.remote, urls, artifact, self.receiver)

    def _url(self, path: str) -> str:
        return self.origin.url(path) if path.startswith("/") else path
