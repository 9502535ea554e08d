"""What every first stage must honour; subclass it in a test module, and run it with pytest.

>>> class TestMyFormat(FirstStageContract):
...     plugins = [("mine", my_plugin)]
...     type = "mine"
...
...     def lay_out(self, site: Site, files: Files) -> str:
...         for name, body in files.items():
...             site.origin.put(f"/{name}", body)
...         return site.origin.put("/index", my_index_of(files))
"""

from __future__ import annotations

import asyncio
import functools
import gc
import posixpath
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
import pytest

from entrepot.assembly.assemble import assemble
from entrepot.assembly.outcome import SyncOutcome
from entrepot.errors import EntrepotError
from entrepot.model.declarative import DeclarativeContent
from entrepot.pipeline.run import create_pipeline
from entrepot.stages.stage import Stage
from entrepot.testing.faults import FILE_FAULTS, INDEX_FAULTS
from entrepot.testing.format_contract import MARK, NAME, FormatBench, FormatContract, Mirror
from entrepot.testing.neighbours import Census
from entrepot.testing.running import running
from entrepot.testing.strategies import Files

__all__ = ["FirstStageContract"]

#: Units that a queue of a short pipeline holds.
_SHORT: Final = 20


class FirstStageContract(FormatContract):
    """The promises of a first stage, one a test. Write `plugins`, `type` and `lay_out`.

    The upstream is an HTTP server on loopback, or a folder: what is about requests is skipped where
    none are made.
    """

    #: Names of files that would lie outside of a repository; () where the format cannot say them.
    hostile: ClassVar[tuple[str, ...]] = ("../outside", "/outside", "folder/../../outside")
    #: Files of a large upstream, and units of it that may be made and not yet taken on.
    many: ClassVar[int] = 2000
    ahead: ClassVar[int] = 500
    #: Seconds within which whatever must end has to end.
    patience: ClassVar[float] = 5.0

    def may_be_gone(self, path: str) -> bool:  # noqa: ARG002  # for who overrides it
        """Whether 404 for this index says that what it listed is gone, rather than that something is wrong."""
        return False

    async def test_every_file_is_declared(self, bench: FormatBench) -> None:
        """With its bytes, at the path it is served at, and nothing beside."""
        files = self.sample(*range(7))

        with bench.depot(bench.lay_out(files), policy="immediate") as mirror:
            outcome = await mirror.sync()
            assert mirror.files() == self.expected(files)

        assert (outcome.failed, outcome.refused) == (0, 0)

    async def test_the_policy_of_the_remote_is_followed(self, bench: FormatBench) -> None:
        """On demand, the same files are declared, and only listings, which have to be read, are downloaded."""
        files = self.sample(*range(5))

        with bench.depot(bench.lay_out(files), policy="on_demand") as mirror:
            await mirror.sync()
            found = mirror.files()

        assert found == {**dict.fromkeys(self.expected(files)), **self.listings(files)}

    async def test_where_nothing_changed_nothing_is_made(self, bench: FormatBench) -> None:
        """No artifact is asked for again, and there is no new version."""
        url = bench.lay_out(self.sample(*range(4)))
        indexes = await bench.indexes(url)

        with bench.depot(url, policy="immediate") as mirror:
            await mirror.sync()
            seen = len(bench.origin.requests)
            again = await mirror.sync()

        assert again.version is None
        assert {request.path for request in bench.origin.requests[seen:]} <= indexes

    async def test_versions_follow_the_upstream(self, bench: FormatBench) -> None:
        """Whatever is added, changed, removed or flipped, a version is its upstream; it needs hypothesis."""
        await self.try_histories(bench.folder, self._follow)

    async def _follow(self, history: list[Files], folder: Path) -> None:
        async with self.make_bench(folder) as bench:
            before: Files | None = None
            for files in history:
                with bench.depot(bench.lay_out(files), policy="immediate") as mirror:
                    outcome = await mirror.sync()
                    assert mirror.files() == self.expected(files)
                assert (outcome.version is not None) == (files != before)
                before = files

    @pytest.mark.parametrize("fault", sorted(INDEX_FAULTS))
    async def test_a_broken_index_fails_and_changes_nothing(self, bench: FormatBench, fault: str) -> None:
        """The error says where, and the version before stays; when the upstream heals, so does the mirror.

        One that is not asked for again while it is as it was is broken before the first version.
        """
        before, after = self.sample(0, 1, 2), self.sample(0, 1, 2, 3)
        paths = await bench.indexes(bench.lay_out(before))
        if not paths:
            pytest.skip("this first stage asks for no index")
        again = await self._asked_again(bench, before, after)

        for number, path in enumerate(sorted(paths | again)):
            if fault == "gone" and self.may_be_gone(path):
                continue
            first = before if path in again else {}
            with bench.depot(bench.lay_out(first or after), f"depot-{number}", policy="immediate") as mirror:
                if first:
                    await mirror.sync()
                    bench.lay_out(after)
                bench.origin.damage(path, INDEX_FAULTS[fault])
                # What is missing from an empty index is told by the guard, which knows of no URL.
                await self._fails(mirror, "" if fault == "empty" else bench.origin.url(path))
                assert not first or mirror.files() == self.expected(first)
                bench.lay_out(after)
                await mirror.sync()
                assert mirror.files() == self.expected(after)

    async def _asked_again(self, bench: FormatBench, before: Files, after: Files) -> set[str]:
        """The indexes that are asked for when one upstream has become the other."""
        with bench.depot(bench.lay_out(before), "asked-again", policy="on_demand") as mirror:
            await mirror.sync()
            seen = len(bench.origin.requests)
            bench.lay_out(after)
            await mirror.sync()
        return {request.path for request in bench.origin.requests[seen:]}

    @pytest.mark.parametrize("fault", sorted(FILE_FAULTS))
    async def test_a_broken_file_fails_and_changes_nothing(self, bench: FormatBench, fault: str) -> None:
        """Bytes that are not what the index declares make no version."""
        before, after = self.sample(0, 1, 2), self.sample(0, 1, 2, 3)
        url = bench.lay_out(before)
        others = await bench.requested(url, policy="immediate")
        bench.lay_out(after)
        asked = await bench.requested(url, policy="immediate") - others
        if not asked:
            pytest.skip("this first stage downloads nothing from a server")
        bench.lay_out(before)

        with bench.depot(url, policy="immediate") as mirror:
            await mirror.sync()
            bench.lay_out(after)
            for path in asked:
                bench.origin.damage(path, FILE_FAULTS[fault])
            await self._fails(mirror, "")
            assert mirror.files() == self.expected(before)

    async def _fails(self, mirror: Mirror, url: str) -> None:
        latest = mirror.latest
        with pytest.raises((EntrepotError, ExceptionGroup)) as caught:
            await mirror.sync()
        errors = caught.value.exceptions if isinstance(caught.value, ExceptionGroup) else (caught.value,)
        assert all(isinstance(error, EntrepotError) and error.remedy for error in errors)
        assert any(url in str(error) for error in errors), f"no error names {url}: {caught.value}"
        assert mirror.latest == latest

    async def test_no_file_lands_outside_of_the_repository(self, bench: FormatBench) -> None:
        """A name that leads out is a failed or refused unit, or ends the sync; it is not bent into another."""
        if not self.hostile:
            pytest.skip("this format cannot name a file outside of its folder")
        good = self.sample(0, 1)

        for number, name in enumerate(self.hostile):
            bench.origin.put("*" + posixpath.basename(name), b"from outside")  # wherever the name leads
            url = bench.lay_out({**good, name: b"from outside"})
            with bench.depot(url, f"depot-{number}", policy="immediate", on_error="skip") as mirror:
                outcome = await _ending(mirror)
                assert outcome is None or outcome.failed + outcome.refused > 0
                if outcome is not None:
                    listings = self.listings({**good, name: b"from outside"})
                    found = {path: body for path, body in mirror.files().items() if path not in listings}
                    assert found == {self.path(name): body for name, body in good.items()}
        assert not [path for path in bench.folder.rglob("outside*") if "upstream" not in path.parts]

    async def test_units_are_made_as_they_are_taken(self, bench: FormatBench) -> None:
        """A large upstream does not stand in memory as units while the next stage is busy."""
        url = bench.lay_out(self.sample(*range(self.many)))

        with _units_made() as made, bench.depot(url, policy="on_demand") as mirror:
            taker = _Taker(made)
            async with running(mirror.opened, NAME) as context:
                first = mirror.opened.first_stage(NAME).make(context)
                # The others stand behind, for a first stage that waits until a unit is stored, or resolved.
                others = assemble(first, context.request, context.equipment.plugins).stages[1:]
                async with asyncio.timeout(self.patience * 6):
                    await create_pipeline([first, taker, *others], _SHORT, context=context)

        assert taker.most <= self.ahead + _SHORT

    async def test_every_request_goes_through_the_remote(self, bench: FormatBench) -> None:
        """With the remote's headers and credentials, proxy and limits; nothing opens sockets of its own."""
        url = bench.lay_out(self.sample(*range(4)))

        with bench.depot(url, policy="immediate") as mirror:
            await mirror.sync()

        foreign = [request.path for request in bench.origin.requests if request.headers.get(MARK[0].lower()) != MARK[1]]
        assert foreign == []

    @pytest.mark.parametrize("place", [0, 1, -1])
    async def test_a_cancelled_sync_leaves_nothing(self, bench: FormatBench, place: int) -> None:
        """No task and no version; the next sync makes what this one would have.

        It is cancelled while it waits for an answer that does not come.
        """
        files = self.sample(*range(6))
        url = bench.lay_out(files)
        paths = sorted(await bench.requested(url, policy="immediate"))
        if not paths:
            pytest.skip("it asks an upstream nothing, so there is no answer to wait for")
        silent = paths[min(place, len(paths) - 1)]
        before = len(bench.origin.requests)
        bench.origin.damage(silent, lambda reply: attrs.evolve(reply, cut=0, stall=True))
        census = Census()

        with bench.depot(url, policy="immediate") as mirror:
            with census.taken():
                syncing = asyncio.ensure_future(mirror.sync())
                async with asyncio.timeout(self.patience):
                    while not any(request.path == silent for request in bench.origin.requests[before:]):
                        await bench.origin.arrived(len(bench.origin.requests) + 1)
                syncing.cancel()
                await asyncio.wait([syncing], timeout=self.patience)
                assert syncing.done()
                assert await census.ended(self.patience / 5)
            assert mirror.latest == 0
            bench.lay_out(files)
            await mirror.sync()
            assert mirror.files() == self.expected(files)


class _Taker(Stage):
    """Takes units on, and knows the most that were made, and not yet taken, at any time."""

    def __init__(self, made: weakref.WeakSet[DeclarativeContent]) -> None:
        self._made = made
        self.most = 0

    async def run(self) -> None:
        async for unit in self.items():
            self._made.discard(unit)
            if len(self._made) > self.most:
                gc.collect()  # what nobody holds is not ahead
                self.most = max(self.most, len(self._made))
            await self.put(unit)


@contextmanager
def _units_made() -> Iterator[weakref.WeakSet[DeclarativeContent]]:
    """Know every unit that is made while the block runs, for as long as it lives.

    Asking the garbage collector for all objects would break tuples that another thread is making.
    """
    made: weakref.WeakSet[DeclarativeContent] = weakref.WeakSet()
    usual = DeclarativeContent.__init__

    @functools.wraps(usual)
    def noted(unit: DeclarativeContent, *given: Any, **named: Any) -> None:
        usual(unit, *given, **named)
        made.add(unit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DeclarativeContent, "__init__", noted)
        yield made


async def _ending(mirror: Mirror) -> SyncOutcome | None:
    try:
        return await mirror.sync()
    except (EntrepotError, ExceptionGroup):
        return None
