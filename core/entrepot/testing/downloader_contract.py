"""What every downloader must honour; subclass it in a test module, and run it with pytest.

>>> class TestMyFetcher(DownloaderContract):
...     fetchers = {"my": MyFetcher}
...
...     @asynccontextmanager
...     async def upstream(self, folder: Path) -> AsyncIterator[Upstream]:
...         async with my_server() as server:
...             yield server          # something with `remote`, `put` and `nowhere`
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import pytest

from entrepot.download.downloads import Downloads
from entrepot.download.scratch import ScratchReceiver
from entrepot.errors import DigestMismatch, NotFound, SizeMismatch, UpstreamError
from entrepot.model.artifact import Artifact

if TYPE_CHECKING:
    from entrepot.download.protocol import FetcherFactory
    from entrepot.model.remote import Remote

__all__ = ["DownloaderContract", "Upstream"]

#: Nothing, little, around the sizes at which ways of reading change, and much.
SIZES = (0, 1, 4096, 65_536, 65_537, 524_288, 3_000_003)


class Upstream(Protocol):
    """Where the downloader under test can find something."""

    @property
    def remote(self) -> Remote: ...

    def put(self, name: str, body: bytes) -> str:
        """Hold a body under a name, in place of an earlier one, and return its URL."""

    def nowhere(self) -> str:
        """Return a URL under which there is nothing."""


def body_of(size: int, seed: str = "a") -> bytes:
    """Bytes that look random and are the same every time."""
    return hashlib.shake_128(f"{seed} {size}".encode()).digest(size)


def declared(body: bytes) -> Artifact:
    """What an upstream that tells the truth lists."""
    return Artifact(sha256=hashlib.sha256(body).hexdigest(), size=len(body))


class Bench:
    """An upstream, downloads with the fetchers under test, and a folder to receive in."""

    def __init__(self, upstream: Upstream, downloads: Downloads, *, folder: Path) -> None:
        self.upstream, self.downloads = upstream, downloads
        self.folder, self.receiver = folder, ScratchReceiver(folder)

    async def fetch(self, urls: Sequence[str], artifact: Artifact) -> bytes:
        """Download, and read what came."""
        received = await self.downloads.fetch(self.upstream.remote, urls, artifact, self.receiver)
        body = received.path.read_bytes()
        received.discard()
        return body

    @property
    def litter(self) -> list[Path]:
        """What was left behind."""
        return list(self.folder.iterdir())


class DownloaderContract:
    """The promises of `Fetcher`, one a test. Write `fetchers` and `upstream`."""

    fetchers: ClassVar[Mapping[str, FetcherFactory]] = {}

    def upstream(self, folder: Path) -> AbstractAsyncContextManager[Upstream]:
        """Open an upstream; `folder` is there, and is the test's own."""
        raise TypeError(f"a contract needs an upstream in {folder}: write upstream(self, folder)")

    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[Bench]:
        """Everything a test needs, closed afterwards."""
        async with self.make_bench(tmp_path) as bench:
            yield bench

    @asynccontextmanager
    async def make_bench(self, folder: Path) -> AsyncIterator[Bench]:
        """Open an upstream and downloads below a folder."""
        (folder / "upstream").mkdir()
        (folder / "received").mkdir()
        async with self.upstream(folder / "upstream") as upstream, Downloads(fetchers=self.fetchers) as downloads:
            yield Bench(upstream, downloads, folder=folder / "received")

    @pytest.mark.parametrize("size", SIZES)
    async def test_a_body_of_any_size_comes_whole(self, bench: Bench, size: int) -> None:
        """Every byte, in order; counted."""
        body = body_of(size)
        url = bench.upstream.put("file", body)

        assert await bench.fetch([url], declared(body)) == body
        assert (bench.downloads.files, bench.downloads.bytes) == (1, size)

    async def test_a_body_of_which_nothing_is_known_comes_whole(self, bench: Bench) -> None:
        """Size and digest are found out on the way."""
        body = body_of(100_000)

        assert await bench.fetch([bench.upstream.put("file", body)], Artifact()) == body

    @pytest.mark.parametrize("size", [0, 99_999])
    async def test_more_bytes_than_declared_are_refused(self, bench: Bench, size: int) -> None:
        """Zero is a size too."""
        url = bench.upstream.put("file", body_of(100_000))

        with pytest.raises(SizeMismatch):
            await bench.fetch([url], Artifact(size=size))
        assert bench.litter == []

    async def test_fewer_bytes_than_declared_are_refused(self, bench: Bench) -> None:
        """However regularly the transfer ended."""
        url = bench.upstream.put("file", body_of(100_000))

        with pytest.raises(SizeMismatch):
            await bench.fetch([url], Artifact(size=100_001))
        assert bench.litter == []

    async def test_other_bytes_than_declared_are_refused_and_their_url_is_named(self, bench: Bench) -> None:
        """Nothing of them is left."""
        url = bench.upstream.put("file", body_of(100_000))

        with pytest.raises(DigestMismatch) as caught:
            await bench.fetch([url], declared(body_of(100_000, "b")))
        assert url in caught.value.where
        assert bench.litter == []

    async def test_what_is_not_there_is_not_found(self, bench: Bench) -> None:
        """The error is one that a first stage can tell from trouble, and names the URL."""
        url = bench.upstream.nowhere()

        with pytest.raises(NotFound) as caught:
            await bench.fetch([url], Artifact())
        assert isinstance(caught.value, UpstreamError)
        assert url in caught.value.where

    async def test_another_url_takes_the_place_of_one_that_fails(self, bench: Bench) -> None:
        """Bytes of the first are forgotten."""
        good, wrong = body_of(1_000_000), body_of(1_000_000, "b")
        urls = [bench.upstream.nowhere(), bench.upstream.put("wrong", wrong), bench.upstream.put("good", good)]

        assert await bench.fetch(urls, declared(good)) == good

    async def test_what_did_not_change_is_told_without_bytes(self, bench: Bench) -> None:
        """Where a validator is given at all; what changed comes whole, with another."""
        first, second = body_of(5000), body_of(6000, "b")
        url = bench.upstream.put("feed", first)
        ask = bench.downloads.downloader
        before = await ask(bench.upstream.remote, url, receiver=bench.receiver).run()
        if before.validator is None:
            pytest.skip("this downloader gives no validators")

        same = await ask(bench.upstream.remote, url, receiver=bench.receiver, validator=before.validator).run()
        bench.upstream.put("feed", second)
        after = await ask(bench.upstream.remote, url, receiver=bench.receiver, validator=before.validator).run()

        assert (same.not_modified, same.path.read_bytes()) == (True, b"")
        assert (after.not_modified, after.path.read_bytes()) == (False, second)
        assert after.validator != before.validator

    async def test_many_at_once_do_not_meet(self, bench: Bench) -> None:
        """Each body comes to whom asked for it."""
        bodies = [body_of(10_000 + number, str(number)) for number in range(50)]
        urls = [bench.upstream.put(f"file-{number}", body) for number, body in enumerate(bodies)]

        came = await asyncio.gather(
            *(bench.fetch([url], declared(body)) for url, body in zip(urls, bodies, strict=True))
        )

        assert came == bodies

    @pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55])
    async def test_a_cancelled_download_leaves_nothing(self, bench: Bench, turns: int) -> None:
        """Whenever it is cancelled; the next one is not disturbed."""
        body = body_of(3_000_003)
        url = bench.upstream.put("file", body)
        running = asyncio.create_task(bench.fetch([url], declared(body)))
        for _ in range(turns):
            await asyncio.sleep(0)

        was_done = running.done()

        running.cancel()
        await asyncio.wait([running])

        assert was_done or running.cancelled()
        assert bench.litter == []
        assert await bench.fetch([url], declared(body)) == body
