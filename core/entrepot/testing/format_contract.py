"""What contracts of first stages and publishers are told of a format, and their bench."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
import pytest
from hypothesis import given

from entrepot.assembly.outcome import SyncOutcome
from entrepot.catalog.rows import Located
from entrepot.depot import Depot
from entrepot.errors import UnknownName
from entrepot.operations.sync import sync
from entrepot.testing.depots import depot
from entrepot.testing.faults import FragileOrigin
from entrepot.testing.strategies import Files, a_few, histories

__all__ = ["FormatContract", "Site"]

#: What the repository under test is called.
NAME: Final = "tried"

#: A header that every request of the repository's remote carries, and nobody else's.
MARK: Final = ("X-Entrepot-Contract", "through-the-remote")


@attrs.frozen
class Site:
    """Where an upstream can be laid out: a web server that may misbehave, and a folder."""

    origin: FragileOrigin
    folder: Path


class FormatContract:
    """How an upstream of the format looks. Write `lay_out`; the rest has defaults.

    `plugins` are names and modules, as `entrepot.testing.depot` takes them; `type` is the
    repository type; `table` holds keys of the repository's table.
    """

    plugins: ClassVar[Sequence[tuple[str, object]]] = ()
    type: ClassVar[str] = ""
    table: ClassVar[Mapping[str, Any]] = {}
    #: Histories of an upstream that are followed.
    histories: ClassVar[int] = 4

    def lay_out(self, site: Site, files: Files) -> str:
        """Let the site be an upstream with exactly these files, and return the repository's `url`.

        Called again, it replaces what it laid out before; the URL stays.
        """
        raise TypeError(f"a contract needs an upstream: write lay_out, for {len(files)} files in {site.folder}")

    def name(self, number: int) -> str:
        """Give the n-th file a name that the format can have, another for each number."""
        return f"folder-{number % 3}/file-{number}.bin"

    def path(self, name: str) -> str:
        """Say where a version serves the file of that name."""
        return name

    def sample(self, *numbers: int) -> Files:
        """Some files of an upstream, with bodies of their own."""
        return {self.name(number): f"the bytes of number {number}".encode() for number in numbers}

    def listings(self, files: Files) -> dict[str, bytes]:  # noqa: ARG002  # for who overrides it
        """What a version serves beside the files: what lists them, where that is content too.

        By path. To find what they list they are read from storage, so they are here on demand, too.
        """
        return {}

    def expected(self, files: Files) -> dict[str, bytes]:
        """What a version serves for an upstream."""
        return {self.path(name): body for name, body in files.items()} | self.listings(files)

    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[FormatBench]:
        """Everything a test needs, closed afterwards."""
        async with self.make_bench(tmp_path) as bench:
            yield bench

    @asynccontextmanager
    async def make_bench(self, folder: Path) -> AsyncIterator[FormatBench]:
        """Open an upstream without files below a folder."""
        (folder / "upstream").mkdir()
        async with FragileOrigin() as origin:
            yield FormatBench(self, Site(origin, folder / "upstream"), folder)

    async def try_histories(
        self, folder: Path, follow: Callable[[list[Files], Path], Coroutine[Any, Any, None]]
    ) -> None:
        """Follow each of some histories of an upstream, in a folder of its own below this one.

        Hypothesis calls plain functions only, so each is followed in a loop of its own, beside this one.
        """
        names, numbers = [self.name(number) for number in range(6)], itertools.count()

        @a_few(self.histories)
        @given(histories(names, least=4, length=3))
        def check(history: list[Files]) -> None:
            place = folder / f"history-{next(numbers)}"
            place.mkdir()
            asyncio.run(follow(history, place))

        try_all: Callable[[], None] = check
        await asyncio.to_thread(try_all)


@attrs.frozen
class FormatBench:
    """An upstream of the format, and depots that mirror it."""

    kit: FormatContract
    site: Site
    folder: Path

    @property
    def origin(self) -> FragileOrigin:
        """The upstream's web server."""
        return self.site.origin

    def lay_out(self, files: Files) -> str:
        """Let the upstream have exactly these files."""
        return self.kit.lay_out(self.site, files)

    @contextmanager
    def depot(self, url: str, name: str = "depot", **more: Any) -> Iterator[Mirror]:
        """Open a depot with one repository that mirrors a URL; `more` are keys of its table."""
        table = {"type": self.kit.type, "url": url, "allow_private": True, "mirror": True, "retries": 0}
        table |= {"headers": dict([MARK]), **self.kit.table, **more}
        with depot(self.folder / name, {NAME: table}, plugins=self.kit.plugins, installed=False) as opened:
            yield Mirror(opened)

    async def requested(self, url: str, **more: Any) -> set[str]:
        """The paths of the upstream that a first sync asks for."""
        before = len(self.origin.requests)
        with self.depot(url, f"asking-{before}-{len(list(self.folder.iterdir()))}", **more) as mirror:
            await mirror.sync()
        return {request.path for request in self.origin.requests[before:]}

    async def indexes(self, url: str) -> set[str]:
        """The paths that a sync asks for when it downloads no artifact."""
        return await self.requested(url, policy="on_demand")


@attrs.frozen
class Mirror:
    """A depot with the repository under test, open."""

    opened: Depot

    async def sync(self) -> SyncOutcome:
        """Sync the repository as it is configured."""
        return await sync(self.opened, NAME)

    @property
    def latest(self) -> int:
        """The number of the latest version, 0 before there is one."""
        try:
            return self.opened.catalog.reader.version(NAME).number
        except UnknownName:
            return 0

    def files(self, number: int | None = None) -> dict[str, bytes | None]:
        """The artifacts of a version by path, each with its bytes, or None where they are not here."""
        found: dict[str, bytes | None] = {}
        for located in self._located(number):
            if located.media_type is None:
                found[located.relative_path] = self._body(located)
        return found

    def published(self, number: int | None = None) -> dict[tuple[str, str], bytes]:
        """What the publisher wrote for a version, by path and media type."""
        located = [one for one in self._located(number) if one.media_type is not None]
        return {(one.relative_path, one.media_type or ""): self._body(one) or b"" for one in located}

    def statements(self, number: int | None = None) -> dict[str, bytes]:
        """What a version says, by natural key."""
        reader = self.opened.catalog.reader
        rows = reader.members(NAME, self.latest if number is None else number, limit=100_000)
        return {row.key: bytes(row.fields) for row in rows}

    def _located(self, number: int | None) -> Iterator[Located]:
        reader, version = self.opened.catalog.reader, self.latest if number is None else number
        folders = [""]
        while folders:
            folder = folders.pop()
            for child in reader.children(NAME, version, folder, limit=100_000):
                yield from reader.locate(NAME, version, folder + child)
                if child.endswith("/"):
                    folders.append(folder + child)

    def _body(self, located: Located) -> bytes | None:
        if located.artifact is None:
            return located.body
        with self.opened.storage.open(located.artifact.sha256) as body:
            return body.read()
