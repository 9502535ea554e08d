"""All downloads of a run or a server: tried, retried, verified, counted."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import attrs

from entrepot.download.answers import TOO_MANY_REQUESTS, validator_of
from entrepot.download.errors import DownloadError, UnusableUrl
from entrepot.download.protocol import Answer, FetcherFactory, Request, Traffic
from entrepot.download.retry import Trials
from entrepot.download.source import Source, Surroundings
from entrepot.errors import IntegrityError, safe_url
from entrepot.events import Listener, Retrying, nobody
from entrepot.model.artifact import Artifact
from entrepot.model.downloading import Download
from entrepot.possessions import for_nobody

if TYPE_CHECKING:
    from entrepot.model.downloading import Validator
    from entrepot.model.incoming import Incoming, Received, Receiver
    from entrepot.model.remote import Remote

_DISK_THREADS: Final = 4
_KEPT_SHORT_CUTS: Final = 64


class Downloads:
    """Downloads for any number of remotes, until it is left.

    Requests of equal remotes share connections and limits. `clock`, `sleep` and `rng` are for waits
    between tries and for limits. Used within one event loop.
    """

    def __init__(
        self,
        *,
        fetchers: Mapping[str, FetcherFactory],
        listener: Listener = nobody,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self._fetchers, self._listener = fetchers, listener
        self._rng = rng or random.Random()  # noqa: S311  # spreads requests over time; nothing is kept secret by it
        self._threads = ThreadPoolExecutor(_DISK_THREADS, thread_name_prefix="entrepot-download")
        self._traffic = Traffic()
        self._around = Surroundings(clock=clock, sleep=sleep, threads=self._threads, traffic=self._traffic)
        self._sources: list[Source] = []
        # By identity, for a remote is not hashable; holding the remote keeps its id from being used again.
        self._short_cuts: dict[int, tuple[Remote, Source]] = {}

    @property
    def files(self) -> int:
        """Bodies that came in whole and right."""
        return self._traffic.files

    @property
    def bytes(self) -> int:
        """Bytes of bodies that came over the wire, those of failed tries too."""
        return self._traffic.bytes

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for source in self._sources:
            await source.close()
        self._threads.shutdown()

    async def fetch(self, remote: Remote, urls: Sequence[str], expected: Artifact, receiver: Receiver) -> Received:
        """Download what was declared, from the first of the URLs that brings it.

        Raises a `DownloadError` or an `IntegrityError` that names the URL; what came in is then
        discarded, as it is when the call is cancelled.
        """
        if not urls:
            raise UnusableUrl("there is no URL to download from", remedy="report it to the plugin that declared it")
        request = Request(url=urls[0], expected=expected)
        received, _ = await self._bring(self._source(remote), urls, request, receiver)
        return received

    def downloader(
        self,
        remote: Remote,
        url: str,
        *,
        receiver: Receiver,
        artifact: Artifact | None = None,
        validator: Validator | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RemoteDownload:
        """Make ready to download metadata from one URL."""
        expected, limit = artifact or Artifact(), remote.politeness.largest_metadata

        async def bring() -> tuple[Received, Answer]:
            request = Request(url=url, expected=expected, limit=limit, validator=validator, headers=headers)
            return await self._bring(self._source(remote), [url], request, receiver)

        return RemoteDownload(bring, url)

    async def _bring(
        self, source: Source, urls: Sequence[str], request: Request, receiver: Receiver
    ) -> tuple[Received, Answer]:
        total = source.remote.politeness.total_timeout
        if total is not None:
            request.deadline = self._around.clock() + total
        trials: Trials | None = None
        incoming = receiver.receive(request.expected)
        try:
            while True:
                try:
                    answer = await self._once(source, request, incoming)
                    received = self._finished(answer, incoming, receiver)
                    return received, answer
                except (DownloadError, IntegrityError) as error:
                    error.at(safe_url(request.url))
                    self._slow_down(source, error)
                    trials = trials or self._trials(source, urls)
                    delay = trials.next(error, deadline=request.deadline)
                    self._listener(Retrying(safe_url(trials.url), trials.attempt, delay, error.what))
                    if isinstance(error, IntegrityError):
                        incoming.discard()
                        incoming = receiver.receive(request.expected)
                if delay:
                    await self._around.sleep(delay)
                if trials.url != request.url:
                    incoming.restart()
                    request = attrs.evolve(request, url=trials.url, resumable=None)
        except BaseException:
            incoming.discard()
            raise

    async def _once(self, source: Source, request: Request, incoming: Incoming) -> Answer:
        fetcher = source.fetcher(request.url)
        await source.turnstile.enter()
        try:
            with for_nobody():  # connections are kept for whoever asks next
                return await fetcher.fetch(request, incoming)
        finally:
            source.turnstile.leave()

    def _finished(self, answer: Answer, incoming: Incoming, receiver: Receiver) -> Received:
        if answer.not_modified:
            incoming.discard()
            return receiver.receive(Artifact()).finish()
        received = incoming.finish()
        self._traffic.files += 1
        return received

    def _trials(self, source: Source, urls: Sequence[str]) -> Trials:
        return Trials(urls, source.remote.politeness, clock=self._around.clock, rng=self._rng)

    def _slow_down(self, source: Source, error: DownloadError | IntegrityError) -> None:
        if isinstance(error, DownloadError) and error.status == TOO_MANY_REQUESTS and error.retry_after:
            source.turnstile.close_for(min(error.retry_after, source.remote.politeness.longest_retry_after))

    def _source(self, remote: Remote) -> Source:
        known = self._short_cuts.get(id(remote))
        if known is not None:
            return known[1]
        source = next((source for source in self._sources if source.remote == remote), None)
        if source is None:
            source = Source(remote, self._fetchers, around=self._around)
            self._sources.append(source)
        if len(self._short_cuts) >= _KEPT_SHORT_CUTS:
            self._short_cuts.clear()
        self._short_cuts[id(remote)] = (remote, source)
        return source


class RemoteDownload:
    """A URL ready to be downloaded; running it again downloads again."""

    def __init__(self, bring: Callable[[], Awaitable[tuple[Received, Answer]]], url: str) -> None:
        self.url = url
        self._bring = bring

    def __repr__(self) -> str:
        return f"RemoteDownload({safe_url(self.url)})"

    async def run(self) -> Download:
        received, answer = await self._bring()
        return Download(
            url=answer.url,
            size=received.size,
            digests={digest.algorithm: digest.hex for digest in received.digests},
            headers={name.lower(): value for name, value in answer.headers.items()},
            validator=validator_of(answer.headers),
            not_modified=answer.not_modified,
            received=received,
        )
