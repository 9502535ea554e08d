"""What the depot lends to repositories and remotes."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs

from entrepot.assembly.equipment import Equipment
from entrepot.assembly.request import SyncRequest
from entrepot.assembly.sync import sync
from entrepot.depot.scratch_folder import ScratchFolder
from entrepot.download.downloads import Downloads
from entrepot.download.scratch import ScratchReceiver
from entrepot.errors import DepotError
from entrepot.events import Listener, nobody
from entrepot.pipeline.vigil import Limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from entrepot.assembly.outcome import SyncOutcome
    from entrepot.depot.depot import Depot
    from entrepot.model.artifact import Artifact
    from entrepot.model.downloading import Download, Downloader, Validator
    from entrepot.model.remote import Remote
    from entrepot.model.repository import Repository, RepositoryVersion
    from entrepot.model.workshop import Runnable
    from entrepot.stages.stage import Stage

_READ = 256 * 1024


class DepotWorkshop:
    """Downloads, opens and syncs with one depot's means.

    Downloads share their connections while a sync or a server holds them open; a download outside
    of both opens its own. A depot works in one event loop at a time.
    """

    def __init__(self, depot: Depot) -> None:
        self._depot = depot
        self._scratch: ScratchFolder | None = None
        self._receiver: ScratchReceiver | None = None
        self._open: Downloads | None = None
        self._holders = 0
        self.listener: Listener = nobody

    @asynccontextmanager
    async def downloads(self) -> AsyncIterator[Downloads]:
        """Hold connections open while the block runs."""
        if self._open is None:
            self._open = Downloads(fetchers=self._depot.plugins.downloaders, listener=self._tell)
            await self._open.__aenter__()
        self._holders += 1
        downloads = self._open
        try:
            yield downloads
        finally:
            self._holders -= 1
            if not self._holders:
                self._open = None
                await downloads.__aexit__(None, None, None)

    def downloader(
        self,
        remote: Remote,
        url: str,
        *,
        artifact: Artifact | None,
        validator: Validator | None,
        headers: Mapping[str, str] | None,
    ) -> Downloader:
        """Make ready to ask for one URL, into a scratch folder."""

        def prepared(downloads: Downloads) -> Downloader:
            receiver = self.scratch()
            return downloads.downloader(
                remote, url, receiver=receiver, artifact=artifact, validator=validator, headers=headers
            )

        return _LentDownloader(url, self.downloads, prepared)

    async def open(self, artifact: Artifact) -> AsyncIterator[bytes]:
        """Stream stored bytes, found by sha256."""
        if artifact.sha256 is None or not self._depot.storage.holds(bytes.fromhex(artifact.sha256)):
            raise DepotError(
                f"storage does not hold {artifact.preferred or 'an artifact without a digest'}",
                remedy="sync the repository that has it, with policy 'immediate'",
            )
        with await asyncio.to_thread(self._depot.storage.open, bytes.fromhex(artifact.sha256)) as file:
            while chunk := await asyncio.to_thread(file.read, _READ):
                yield chunk

    async def sync(self, first_stage: Runnable, repository: Repository, *, mirror: bool) -> RepositoryVersion | None:
        """Run a sync with a first stage that somebody made by hand."""
        request = attrs.evolve(
            self._depot.request(repository.name),
            mirror=mirror,
            brought_by=type(first_stage).__module__.partition(".")[0],
        )
        outcome = await self.run(first_stage, request)  # type: ignore[arg-type]  # a Runnable that is no stage fails when connected
        return outcome.version

    async def run(self, first_stage: Stage, request: SyncRequest, *, listener: Listener = nobody) -> SyncOutcome:
        """Run a sync from its request to its outcome."""
        async with self.equipment(listener) as equipment:
            return await sync(first_stage, request, equipment)

    @asynccontextmanager
    async def equipment(self, listener: Listener = nobody) -> AsyncIterator[Equipment]:
        """Lend what one sync works with; connections are held open while the block runs."""
        depot, before = self._depot, self.listener
        self.listener = listener
        try:
            async with self.downloads() as downloads:
                yield Equipment(
                    catalog=depot.catalog,
                    storage=depot.storage,
                    downloads=downloads,
                    plugins=depot.plugins,
                    listener=listener,
                    clock=time.monotonic,
                    limits=Limits(stall=depot.settings.stall_timeout, whole=depot.settings.sync_timeout),
                )
        finally:
            self.listener = before

    def scratch(self) -> ScratchReceiver:
        """A folder for metadata, gone when the depot is closed."""
        if self._receiver is None:
            self._scratch = ScratchFolder.make(self._depot.settings.home)
            self._receiver = ScratchReceiver(self._scratch.path)
        return self._receiver

    def close(self) -> None:
        """Remove scratch files."""
        if self._scratch is not None:
            self._scratch.remove()
            self._scratch = self._receiver = None

    def _tell(self, event: object) -> None:
        self.listener(event)  # type: ignore[arg-type]  # downloads tell events only


@attrs.frozen
class _LentDownloader:
    """Opens connections when it runs, unless somebody holds them open already."""

    url: str
    _downloads: Callable[[], AbstractAsyncContextManager[Downloads]]
    _prepared: Callable[[Downloads], Downloader]

    async def run(self) -> Download:
        async with self._downloads() as downloads:
            return await self._prepared(downloads).run()
