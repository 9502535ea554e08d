"""Damaged pages of publications are made again from the catalog, or it is said why not."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from entrepot.catalog.faults import CatalogDamaged
from entrepot.depot import Depot
from entrepot.operations.repair import Mended, Repaired, repair
from entrepot.operations.verify import Verified, verify
from entrepot.plugin import (
    Content,
    DeclarativeContent,
    FirstStage,
    Published,
    PublishedFile,
    Publisher,
    Stage,
    VersionView,
    hookimpl,
    indexed,
    key,
)
from entrepot.testing import depot, sync
from integration.damage import path_of

pytestmark = [pytest.mark.promise("P13"), pytest.mark.fault("C14")]

TABLES = {"tales": {"type": "book", "url": "https://vendor.example/", "guard_loss": "100 %"}}


@attrs.frozen
class Page(Content):
    TYPE = "book.page"
    name: str = key()
    chapter: str = indexed(default="")


@attrs.define(eq=False)
class Pages(Stage):
    """Declares what the book has at the moment."""

    names: list[str]

    async def run(self) -> None:
        for name in self.names:
            await self.put(DeclarativeContent(Page(name, name[0])))


class Index:
    """One small file for each chapter, read by its field, and a large one, streamed, with all pages in it."""

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        for chapter in await version.values(Page, "chapter", changed=True):
            names = [page.name async for page in version.contents(Page, where=("chapter", chapter))]
            yield PublishedFile(f"chapters/{chapter}", "text/plain", " ".join(names).encode())
        yield PublishedFile("whole", "text/plain", self.whole(version))

    async def whole(self, version: VersionView) -> AsyncIterator[bytes]:
        async for page in version.contents(Page):
            yield page.name.encode() * 20_000


class Moody(Index):
    """Makes other bytes each time."""

    made = 0

    async def whole(self, version: VersionView) -> AsyncIterator[bytes]:
        Moody.made += 1
        yield str(Moody.made).encode() * 100_000


class Broken(Index):
    """Fails once it has made the first version."""

    made = 0

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        Broken.made += 1
        if Broken.made > 1:
            raise KeyError("what it needs")
        async for file in super().publish(version):
            yield file


@attrs.define(eq=False)
class Book:
    """A plugin with a book that changes."""

    names: list[str]
    index: Any = Index
    version: str = "1"

    @hookimpl
    def entrepot_register_content_types(self) -> list[type[Content]]:
        return [Page]

    @hookimpl
    def entrepot_register_first_stages(self) -> list[FirstStage]:
        return [FirstStage("book", make=lambda _: Pages(self.names))]

    @hookimpl
    def entrepot_register_publishers(self) -> list[Publisher]:
        return [Publisher("book", make=lambda _: self.index(), version=self.version)]


def opened(folder: Path, book: Book) -> Any:
    return depot(folder, TABLES, plugins=[("book", book)], installed=False)


def damage(opened: Depot, folder: Path) -> int:
    """Spoil every page of every version, in the catalog and in storage; how many."""
    with closing(sqlite3.connect(next(folder.rglob("catalog.sqlite")))) as catalog, catalog:
        pages = catalog.execute("UPDATE published_body SET body = x'00'").rowcount
        stored = catalog.execute("SELECT DISTINCT sha256 FROM published_file WHERE stored").fetchall()
    for (sha256,) in stored:
        file = path_of(opened.storage, sha256.hex())
        file.chmod(0o644)
        file.write_bytes(b"spoilt")
    return int(pages) + len(stored)


async def repaired(opened: Depot) -> tuple[list[Mended], Repaired]:
    done = Repaired()
    return [mended async for mended in repair(opened, done=done)], done


def bodies(opened: Depot, number: int) -> dict[str, str]:
    """The digests of what a version serves."""
    found = {}
    for path in ("chapters/a", "chapters/b", "whole"):
        for located in opened.catalog.reader.locate("tales", number, path):
            if located.artifact is None:
                found[path] = hashlib.sha256(located.body or b"").hexdigest()
            else:
                with opened.storage.open(located.artifact.sha256) as file:
                    found[path] = hashlib.sha256(file.read()).hexdigest()
    return found


async def test_pages_of_all_versions_are_made_again(tmp_path: Path) -> None:
    """Small and large ones, also those that only an old version has, byte for byte; nobody is asked for anything."""
    names = ["a1", "a2", "b1"]
    with opened(tmp_path, Book(names)) as here:
        await sync(here, "tales")
        names.append("b2")
        await sync(here, "tales")
        before = bodies(here, 1), bodies(here, 2)
        spoilt = damage(here, tmp_path)

        mended, outcome = await repaired(here)

        assert (len(mended), outcome.mended, outcome.unmended) == (spoilt, spoilt, 0) == (5, 5, 0)
        assert (bodies(here, 1), bodies(here, 2)) == before
        seen = Verified(seed=0)
        assert list(verify(here, seen=seen)) == []


async def test_what_another_publisher_makes_otherwise_stays_and_the_reason_is_told(tmp_path: Path) -> None:
    """What comes out the same is mended all the same; until then nobody is shown a damaged page."""
    with opened(tmp_path, Book(["a1"])) as here:
        await sync(here, "tales")
    with opened(tmp_path, Book(["a1"], Moody, version="2")) as here:
        assert damage(here, tmp_path) == 2
        with pytest.raises(CatalogDamaged, match="published page is damaged") as told:
            here.catalog.reader.locate("tales", 1, "chapters/a")

        mended, outcome = await repaired(here)

        assert (outcome.mended, outcome.unmended, outcome.exit_code) == (1, 1, 4)
        (reason,) = (one.reasons for one in mended if not one.is_whole)
        assert reason == (
            "tales@1, whole: it was published by another version of its publisher, or with other options",
        )
        assert told.value.remedy.endswith("entrepot repair")
        assert here.catalog.reader.locate("tales", 1, "chapters/a")[0].body == b"a1"


@pytest.mark.parametrize(
    ("index", "told"), [(Moody, "makes other bytes"), (Broken, "raised KeyError: 'what it needs'")]
)
async def test_a_publisher_that_cannot_make_it_again_replaces_nothing(
    tmp_path: Path, index: type[Index], told: str
) -> None:
    """What comes out is compared before anything is replaced, and a publisher that fails ends no repair."""
    with opened(tmp_path, Book(["a1", "a2"], index=index)) as here:
        await sync(here, "tales")
        damage(here, tmp_path)

        mended, _ = await repaired(here)

        unmended = [one for one in mended if not one.is_whole]
        assert unmended
        assert all(told in one.reasons[0] for one in unmended)
        (located,) = here.catalog.reader.locate("tales", 1, "whole")
        assert located.artifact is not None
        assert path_of(here.storage, located.artifact.sha256.hex()).read_bytes() == b"spoilt"
