"""The contract of first stages holds for a good one, and each promise of it fails on one that breaks it."""

from __future__ import annotations

import asyncio
import contextvars
import os.path
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from entrepot.errors import EntrepotError
from entrepot.plugin import Artifact, DeclarativeArtifact, DeclarativeContent, InvalidMetadata, Published, VersionView
from entrepot.testing.first_stage_contract import FirstStageContract
from entrepot.testing.strategies import Files
from unit.testing.feed_plugin import FeedFile, FeedFormat, Plugin, ReadFeed, WriteFeed, feed_of
from unit.testing.verdicts import broken_promises, promises


class Kit(FeedFormat, FirstStageContract):
    """The contract, for feeds."""

    histories = 2
    many = 600
    ahead = 100
    patience = 2.0


class TestFeed(Kit):
    """A first stage as it should be."""


class Forgetful(ReadFeed):
    """Leaves the last line out."""

    def lines(self, text: str) -> Iterator[str]:
        yield from text.splitlines()[:-1]


class Eager(ReadFeed):
    """Downloads whatever the policy says."""

    def artifact(self, file: FeedFile) -> DeclarativeArtifact:
        artifact = super().artifact(file)
        artifact.deferred_download = False
        return artifact


class Vague(ReadFeed):
    """Declares files without their digests, so that nobody knows what is here already."""

    def artifact(self, file: FeedFile) -> DeclarativeArtifact:
        known = super().artifact(file)
        if known.deferred_download:
            return known
        return DeclarativeArtifact(Artifact(), known.url, file.path, self.remote)


class Stale(ReadFeed):
    """Never looks at a path again that it has declared once."""

    declared: ClassVar[dict[str, str]] = {}

    async def declare(self, line: str) -> None:
        place = f"{self.remote.url} {line.split(' ', 2)[-1]}"
        await super().declare(self.declared.setdefault(place, line))


class Lenient(ReadFeed):
    """Passes over what it cannot read."""

    async def run(self) -> None:
        with suppress(EntrepotError):
            await super().run()


class Kind(ReadFeed):
    """Bends names that lead out of the repository into others."""

    def artifact(self, file: FeedFile) -> DeclarativeArtifact:
        inside = os.path.basename(file.path) if ".." in file.path or file.path.startswith("/") else file.path
        return super().artifact(attrs.evolve(file, path=inside))


class Greedy(ReadFeed):
    """Makes all units before the first is put on."""

    async def run(self) -> None:
        units: list[Any] = []

        async def hold(unit: Any) -> None:
            units.append(unit)

        through, self.put = self.put, hold  # type: ignore[assignment,method-assign]  # what it does wrong
        await super().run()
        for unit in units:
            await through(unit)


class Sly(ReadFeed):
    """Asks with a client of its own, beside the remote."""

    async def run(self) -> None:
        await asyncio.to_thread(lambda: urllib.request.urlopen(self.remote.url, timeout=2).read())
        await super().run()


class Parental(ReadFeed):
    """Lets a task, of which no context says whose it is, go on after it was cancelled."""

    async def run(self) -> None:
        child = asyncio.create_task(asyncio.Event().wait(), context=contextvars.Context())
        await super().run()
        child.cancel()


class ReadStored(ReadFeed):
    """Mirrors the feed as a file, and reads what it lists from storage."""

    async def run(self) -> None:
        feed = await self.remote.get_downloader(url=self.remote.url).run()
        here = Artifact(feed.digests["sha256"], feed.size, file=feed.path)
        listing = DeclarativeArtifact(here, self.remote.url, "FEED", self.remote)
        unit = DeclarativeContent(FeedFile("FEED", here.sha256 or "", feed.size), [listing])
        await self.put(unit)
        await unit.resolution()
        stored = b"".join([chunk async for chunk in self.context.open(listing.artifact)])
        if not stored:  # the feed itself stays, so no guard sees that all others went
            raise InvalidMetadata("the feed is empty", where=self.remote.url, remedy="mend the feed")
        for line in self.lines(stored.decode(errors="replace")):
            await self.declare(line)


class WriteNothing(WriteFeed):
    """Leaves the feed to the file that is mirrored."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:  # nothing is written
        return
        yield


class StoredFeed(FeedFormat):
    """A feed that is content itself."""

    plugins: ClassVar[Any] = [("feed", Plugin(first_stage=ReadStored, publisher=WriteNothing))]

    def listings(self, files: Files) -> dict[str, bytes]:
        return {"FEED": feed_of(files)}


class TestStoredFeed(StoredFeed, Kit):
    """A first stage that waits for its own unit, and reads the bytes of it."""


class Hoarding(ReadStored):
    """Makes all units of what is listed before the first of them is put on."""

    async def run(self) -> None:
        units: list[Any] = []
        through = self.put

        async def hold(unit: Any) -> None:
            if unit.content.path == "FEED":
                await through(unit)
            else:
                units.append(unit)

        self.put = hold  # type: ignore[assignment,method-assign]  # what it does wrong
        await super().run()
        for unit in units:
            await through(unit)


class LenientStored(Lenient, ReadStored):
    """Passes over a feed that does not come."""


class EagerStored(Eager, ReadStored):
    """Downloads what is listed, too, whatever the policy says."""


EVERY = "test_every_file_is_declared"
FOLLOW = "test_versions_follow_the_upstream"
INDEX = "test_a_broken_index_fails_and_changes_nothing"
FILE = "test_a_broken_file_fails_and_changes_nothing"

#: Each double with a promise that it breaks, and one that it keeps.
BREAKS: dict[type[ReadFeed], tuple[str, str]] = {
    Forgetful: (EVERY, "test_every_request_goes_through_the_remote"),
    Eager: ("test_the_policy_of_the_remote_is_followed", EVERY),
    Vague: ("test_where_nothing_changed_nothing_is_made", EVERY),
    Stale: (FOLLOW, EVERY),
    Lenient: (INDEX, EVERY),
    Kind: ("test_no_file_lands_outside_of_the_repository", EVERY),
    Greedy: ("test_units_are_made_as_they_are_taken", EVERY),
    Sly: ("test_every_request_goes_through_the_remote", EVERY),
    Parental: ("test_a_cancelled_sync_leaves_nothing", EVERY),
}


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__)
async def test_a_first_stage_that_breaks_a_promise_is_found_out(tmp_path: Path, broken: type[ReadFeed]) -> None:
    """The promise that it breaks fails, and another one holds."""
    breaks, keeps = BREAKS[broken]

    class Broken(Kit):
        plugins: ClassVar[Any] = [("feed", Plugin(first_stage=broken))]
        table: ClassVar[Any] = {"allow_weak_digests": broken is Vague}
        histories = 6 if broken is Stale else Kit.histories

    assert await broken_promises(Broken, tmp_path, only=[breaks, keeps]) == {breaks}


@pytest.mark.parametrize(
    ("broken", "breaks"),
    [
        (Hoarding, "test_units_are_made_as_they_are_taken"),
        (LenientStored, INDEX),
        (EagerStored, "test_the_policy_of_the_remote_is_followed"),
    ],
)
async def test_one_that_reads_what_it_has_stored_is_found_out_as_well(
    tmp_path: Path, broken: type[ReadFeed], breaks: str
) -> None:
    """Stages that it waits for stand behind it, and hide nothing."""

    class Broken(StoredFeed, Kit):
        plugins: ClassVar[Any] = [("feed", Plugin(first_stage=broken, publisher=WriteNothing))]

    assert await broken_promises(Broken, tmp_path, only=[breaks, EVERY]) == {breaks}


@pytest.mark.parametrize("fault", ["short", "flipped"])
async def test_a_first_stage_that_declares_no_digest_is_found_out(tmp_path: Path, fault: str) -> None:
    """Whatever comes is then taken for the file."""

    class Broken(Kit):
        plugins: ClassVar[Any] = [("feed", Plugin(first_stage=Vague))]
        table: ClassVar[Any] = {"allow_weak_digests": True}

    kit = Broken()
    async with kit.make_bench(tmp_path) as bench:
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            await kit.test_a_broken_file_fails_and_changes_nothing(bench, fault)


def test_every_promise_catches_somebody() -> None:
    """A promise that nobody can break promises nothing."""
    assert {breaks for breaks, _ in BREAKS.values()} | {FILE} == set(promises(FirstStageContract))
