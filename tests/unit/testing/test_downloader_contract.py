"""The contract of downloaders holds for ours, and fails on downloaders that break it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import ClassVar

import attrs
import pytest

from entrepot.download.errors import Absent
from entrepot.download.file import FileFetcher
from entrepot.download.http import HttpFetcher
from entrepot.download.protocol import Answer, Lane, Request
from entrepot.errors import IntegrityError
from entrepot.model.incoming import Incoming
from entrepot.model.remote import Politeness, Remote
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.downloader_contract import Bench, DownloaderContract, Upstream

BROKEN = (AssertionError, pytest.fail.Exception, IntegrityError)


@attrs.frozen
class Site:
    """A good web site."""

    origin: BadOrigin

    @property
    def remote(self) -> Remote:
        return Remote(self.origin.url("/"))

    def put(self, name: str, body: bytes) -> str:
        return self.origin.put(f"/{name}", body)

    def nowhere(self) -> str:
        return self.origin.url("/nowhere")


@attrs.frozen
class Folder:
    """A folder of files."""

    path: Path

    @property
    def remote(self) -> Remote:
        return Remote(self.path.as_uri())

    def put(self, name: str, body: bytes) -> str:
        (self.path / name).write_bytes(body)
        return (self.path / name).as_uri()

    def nowhere(self) -> str:
        return (self.path / "nowhere").as_uri()


class TestHttp(DownloaderContract):
    """Over http."""

    fetchers: ClassVar = {"http": HttpFetcher}

    @asynccontextmanager
    async def upstream(self, folder: Path) -> AsyncIterator[Upstream]:
        async with BadOrigin() as origin:
            yield Site(origin)


class TestFile(DownloaderContract):
    """From a folder."""

    fetchers: ClassVar = {"file": FileFetcher}

    @asynccontextmanager
    async def upstream(self, folder: Path) -> AsyncIterator[Upstream]:
        yield Folder(folder)


class Simple:
    """Brings bodies out of a dictionary, and does it right."""

    def __init__(self, remote: Remote, lane: Lane) -> None:
        self.bodies = SHELF
        self.lane = lane

    async def fetch(self, request: Request, incoming: Incoming) -> Answer:
        body = self.bodies.get(request.url)
        if body is None:
            raise Absent("nothing here", request.url)
        etag = f'"{hash(body)}"'
        if request.validator is not None and request.validator.etag == etag:
            return Answer(request.url, {"ETag": etag}, not_modified=True)
        incoming.restart()
        await self.pass_on(body, incoming)
        self.lane.traffic.bytes += len(body)
        return Answer(request.url, {"ETag": etag})

    async def pass_on(self, body: bytes, incoming: Incoming) -> None:
        await asyncio.sleep(0)
        incoming.write(body)

    async def close(self) -> None:
        pass


SHELF: dict[str, bytes] = {}


class Hasty(Simple):
    """Drops the end of what is large."""

    async def pass_on(self, body: bytes, incoming: Incoming) -> None:
        incoming.write(body[:50_000])


class Deaf(Simple):
    """Finishes what it began, although nobody waits for it any more."""

    async def pass_on(self, body: bytes, incoming: Incoming) -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.01)
        incoming.write(body)


class Vague(Simple):
    """Takes absence for an empty body."""

    async def fetch(self, request: Request, incoming: Incoming) -> Answer:
        if request.url not in self.bodies:
            return Answer(request.url, {})
        return await super().fetch(request, incoming)


class Lazy(Simple):
    """Says that nothing changed whenever somebody asks conditionally."""

    async def fetch(self, request: Request, incoming: Incoming) -> Answer:
        if request.validator is not None:
            return Answer(request.url, {}, not_modified=True)
        return await super().fetch(request, incoming)


class Absentminded(Simple):
    """Mixes up bodies that are asked for at once."""

    last: ClassVar[bytes] = b""

    async def pass_on(self, body: bytes, incoming: Incoming) -> None:
        type(self).last = body
        await asyncio.sleep(0)
        incoming.write(self.last)


class Uncounted(Simple):
    """Keeps what it does to itself."""

    async def fetch(self, request: Request, incoming: Incoming) -> Answer:
        self.lane = attrs.evolve(self.lane, traffic=type(self.lane.traffic)())
        return await super().fetch(request, incoming)


class Shelf:
    """Holds bodies in memory."""

    remote = Remote("shelf:/", politeness=Politeness(retries=0))

    def put(self, name: str, body: bytes) -> str:
        SHELF[f"shelf:/{name}"] = body
        return f"shelf:/{name}"

    def nowhere(self) -> str:
        return "shelf:/nowhere"


class TestSimple(DownloaderContract):
    """The double that the broken ones are made of is itself a good downloader."""

    fetchers: ClassVar = {"shelf": Simple}

    @asynccontextmanager
    async def upstream(self, folder: Path) -> AsyncIterator[Upstream]:
        SHELF.clear()
        yield Shelf()


Promise = Callable[[DownloaderContract, Bench], Awaitable[None]]


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (Hasty, lambda kit, bench: kit.test_a_body_of_which_nothing_is_known_comes_whole(bench)),
        (Hasty, lambda kit, bench: kit.test_a_body_of_any_size_comes_whole(bench, 100_000)),
        (Vague, lambda kit, bench: kit.test_what_is_not_there_is_not_found(bench)),
        (Lazy, lambda kit, bench: kit.test_what_did_not_change_is_told_without_bytes(bench)),
        (Absentminded, lambda kit, bench: kit.test_many_at_once_do_not_meet(bench)),
        (Uncounted, lambda kit, bench: kit.test_a_body_of_any_size_comes_whole(bench, 1)),
        (Deaf, lambda kit, bench: kit.test_a_cancelled_download_leaves_nothing(bench, 3)),
    ],
)
async def test_the_contract_fails_on_a_downloader_that_breaks_it(
    tmp_path: Path, broken: type[Simple], promise: Promise
) -> None:
    """Each promise catches somebody."""

    class Kit(TestSimple):
        fetchers: ClassVar = {"shelf": broken}

    kit = Kit()
    async with kit.make_bench(tmp_path) as bench:
        with pytest.raises(BROKEN):
            await promise(kit, bench)
