"""Artifacts that are not here yet: fetched once, however many clients ask.

A body of up to `VERIFIED_FIRST` bytes is verified before its first byte is sent. Of a larger one
the bytes are passed on as they come, for clients do not wait minutes for a first byte; but the
last `HELD_BACK` bytes go out only when the whole is verified. So a client that was sent wrong
bytes sees a broken transfer, never a clean end.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias

import attrs

from entrepot.errors import ConfigurationError, DepotError, EntrepotError, TooLittleMemory, UpstreamError
from entrepot.model.artifact import Artifact, StoredArtifact
from entrepot.serve.spool import Spool
from entrepot.storage.faults import fault

if TYPE_CHECKING:
    from entrepot.depot import Depot
    from entrepot.download.downloads import Downloads
    from entrepot.model.digest import Digest
    from entrepot.model.incoming import Received
    from entrepot.storage.protocol import Storage

_READ: Final = 256 * 1024
VERIFIED_FIRST: Final = 2 * 1024 * 1024
HELD_BACK: Final = 64 * 1024

#: Bodies that are brought onto the disk at a time.
_KEEPING: Final = 2

#: Seconds for which a failed fetch is not tried again.
_RESTING: Final = 5.0

#: So many of the latest fetches are known here, for requests that were looked up before they ended.
_REMEMBERED: Final = 1000


@attrs.frozen
class Wanted:
    """An artifact that a version declares, as a repository may fetch it."""

    repository: str
    private: bool
    declared: Digest
    size: int | None
    urls: tuple[str, ...]

    @property
    def key(self) -> tuple[str, Digest]:
        """What makes two requests one fetch: each repository uses its own sources and credentials."""
        return self.repository, self.declared

    def artifact(self) -> Artifact:
        """The artifact with what was declared of it."""
        named: dict[str, Any] = {self.declared.algorithm: self.declared.hex}
        return Artifact(size=self.size, **named)


@attrs.frozen
class Fetching:
    """Bytes are on their way, or not even that."""


@attrs.frozen
class Verified:
    """All bytes are here and right."""

    artifact: StoredArtifact


@attrs.frozen
class Broken:
    """There will be no more bytes."""

    error: EntrepotError


FlightState: TypeAlias = Fetching | Verified | Broken


class Flight:
    """One fetch and those who wait for it. Whoever gets one calls `spool.release()` in the end."""

    def __init__(self, wanted: Wanted, spool: Spool) -> None:
        self.wanted = wanted
        self.spool = spool
        self.state: FlightState = Fetching()

    def end(self, state: FlightState) -> None:
        """Tell everybody how it ended; only the first end counts."""
        if isinstance(self.state, Fetching):
            self.state = state
            self.spool.tell()

    async def verified(self) -> StoredArtifact:
        """Wait for the whole; raises what went wrong."""
        while isinstance(self.state, Fetching):
            await self.spool.news()
        return self.outcome()

    async def under_way(self) -> bool:
        """Wait until there is something to send; True when that is not yet verified.

        Raises what went wrong before that.
        """
        size = self.wanted.size
        enough = HELD_BACK if size is not None and size > VERIFIED_FIRST else VERIFIED_FIRST
        while isinstance(self.state, Fetching):
            if self.spool.written > enough:
                return True
            await self.spool.news()
        self.outcome()
        return False

    def outcome(self) -> StoredArtifact:
        """What the fetch brought; raises what went wrong."""
        match self.state:
            case Verified(artifact=artifact):
                return artifact
            case Broken(error=error):
                raise error.with_traceback(None)
            case Fetching():
                raise EntrepotError("the fetch has not ended")


class OnDemand:
    """All fetches of one server. A client that leaves stops none; what came in whole is kept."""

    def __init__(self, depot: Depot, downloads: Downloads, *, clock: Callable[[], float]) -> None:
        self._depot = depot
        self._home = str(depot.settings.home)
        self._downloads = downloads
        self._clock = clock
        self._flights: dict[tuple[str, Digest], Flight] = {}
        self._tasks: dict[asyncio.Task[None], Flight] = {}
        self._failed: dict[tuple[str, Digest], tuple[EntrepotError, float]] = {}
        self._kept: dict[tuple[str, Digest], StoredArtifact] = {}
        # Of its own, so that nobody who opens a file waits behind a sync of the disk.
        self._keeping = ThreadPoolExecutor(_KEEPING, thread_name_prefix="entrepot-keep")

    def kept(self, wanted: Wanted) -> StoredArtifact | None:
        """What a fetch that just ended has kept."""
        return self._kept.get(wanted.key)

    def forget(self, wanted: Wanted) -> None:
        """Unlearn what was kept: it is no longer there."""
        self._kept.pop(wanted.key, None)

    def join(self, wanted: Wanted) -> Flight:
        """Take part in the fetch that is under way, or begin one.

        Raises what went wrong with the last one, when that was a moment ago.
        """
        error, until = self._failed.get(wanted.key, (None, 0.0))
        if error is not None and self._clock() < until:
            raise error.with_traceback(None)
        flight = self._flights.get(wanted.key)
        if flight is None:
            flight = self._begin(wanted)
        flight.spool.hold()
        return flight

    async def close(self) -> None:
        """Break off what is still coming in, and wait until what has come is kept."""
        for task, flight in list(self._tasks.items()):
            if isinstance(flight.state, Fetching):
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for flight in self._flights.values():  # a task that is cancelled before its first step never runs
            flight.end(_stopping())
            flight.spool.release()
        self._flights.clear()
        self._keeping.shutdown()

    def _begin(self, wanted: Wanted) -> Flight:
        flight = Flight(wanted, Spool(self._depot.storage, self._spool_file(), place=self._home))
        self._flights[wanted.key] = flight
        task = asyncio.create_task(self._fly(flight))
        self._tasks[task] = flight
        task.add_done_callback(self._tasks.pop)
        return flight

    def _spool_file(self) -> BinaryIO:
        """A file without a name on the depot's own disk: whoever counts its room counts this too."""
        try:
            return tempfile.TemporaryFile(buffering=0, dir=self._home if os.path.isdir(self._home) else None)
        except OSError as error:
            raise fault(error, self._home) from error

    async def _fly(self, flight: Flight) -> None:
        wanted = flight.wanted
        try:
            received = await self._found(flight) or await self._fetch(flight)
            flight.end(Verified(StoredArtifact(received.sha256, received.size)))
            await self._keep(flight, received)
        except EntrepotError as error:
            self._fail(flight, error)
        except asyncio.CancelledError:
            flight.end(_stopping())
            raise
        except OSError as error:
            self._fail(flight, fault(error, self._home))
        except Exception as error:
            self._fail(flight, TooLittleMemory.behind(error) or EntrepotError(f"{type(error).__name__} while fetching"))
            raise
        finally:
            del self._flights[wanted.key]
            flight.spool.release()

    async def _found(self, flight: Flight) -> Received | None:
        """What storage holds and the catalog does not know: its fetch did not come to the row's commit.

        None when there is no such thing, it is wrong, or it may be another repository's own.
        """
        wanted, storage = flight.wanted, self._depot.storage
        sha256 = wanted.declared.value
        if wanted.declared.algorithm != "sha256" or not await asyncio.to_thread(storage.holds, sha256, wanted.size):
            return None
        if not await self._depot.catalog.ask(self._depot.catalog.reader.adoptable, wanted.repository, sha256):
            return None
        (right,) = await asyncio.to_thread(storage.find, [sha256])
        return await asyncio.to_thread(_copied, storage, flight) if right is not None else None

    async def _fetch(self, flight: Flight) -> Received:
        wanted = flight.wanted
        try:
            remote = await asyncio.to_thread(self._depot.remote, wanted.repository)
        except ConfigurationError as error:
            raise UpstreamError(
                f"repository {wanted.repository!r} has no upstream to fetch from: {error.what}",
                error.where,
                error.remedy,
            ) from error
        return await self._downloads.fetch(remote, wanted.urls, wanted.artifact(), flight.spool)

    async def _keep(self, flight: Flight, received: Received) -> None:
        wanted = flight.wanted
        if self._policy(wanted.repository) == "streamed":
            received.discard()
            return
        try:
            keeping = asyncio.get_running_loop().run_in_executor(self._keeping, self._depot.storage.keep, [received])
            (kept,) = await keeping
            # No lease tells a prune of a fetch: whether the file still stands is asked as its row is committed.
            kept = kept._replace(recheck=partial(self._depot.storage.holds, kept.sha256, kept.size))
            await self._depot.catalog.keep_fetched(wanted.repository, kept, private=wanted.private)
        except Exception:
            received.discard()
            raise
        self._kept[wanted.key] = StoredArtifact(kept.sha256, kept.size)
        while len(self._kept) > _REMEMBERED:
            del self._kept[next(iter(self._kept))]

    def _policy(self, repository: str) -> str:
        return self._depot.settings.repository(repository).policy

    def _fail(self, flight: Flight, error: EntrepotError) -> None:
        if not isinstance(flight.state, Fetching):
            # Clients have their bytes; only the next one has to wait again.
            logging.getLogger(__name__).error("%s could not be kept: %s", flight.wanted.declared, error)
            return
        flight.end(Broken(error))
        now = self._clock()
        self._failed = {key: entry for key, entry in self._failed.items() if entry[1] > now}
        self._failed[flight.wanted.key] = (error, now + _RESTING)


def _copied(storage: Storage, flight: Flight) -> Received:
    """Take stored bytes for a flight, as if they came in."""
    incoming = flight.spool.receive(flight.wanted.artifact())
    try:
        with storage.open(flight.wanted.declared.value) as body:
            while piece := body.read(_READ):
                incoming.write(piece)
        return incoming.finish()
    except OSError as error:
        raise fault(error, "the storage") from error
    finally:
        incoming.discard()


def _stopping() -> Broken:
    return Broken(DepotError("the server is being stopped", remedy="ask again in a moment"))
