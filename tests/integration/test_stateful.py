"""A depot of any history holds what a model of that history says: versions, bytes, and who may write."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from hypothesis import Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from entrepot.depot import Depot
from entrepot.errors import LeaseLost, NotHeld, RepositoryBusy
from entrepot.failpoints import arm
from entrepot.operations.prune import prune
from entrepot.plugin import Artifact, DeclarativeArtifact, DeclarativeContent, Stage
from entrepot.testing.depots import depot
from entrepot.testing.invariants import check_depot
from integration import firmware
from integration.firmware import Firmware
from unit.catalog.saying import a_run, overtake

pytestmark = pytest.mark.slow

NAMES: Final = ("boot", "kernel", "radio")
BODIES: Final = tuple(f"body {number} ".encode() * 30 for number in range(4))
REPOSITORIES: Final = ("one", "two")

#: Where a sync dies: a step before its commit, or one after it.
STEPS: Final = ("storage.sync", "storage.link", "storage.sync_folder", "catalog.commit", "catalog.committed")

Listed = Mapping[str, int]
listings = st.dictionaries(st.sampled_from(NAMES), st.integers(0, len(BODIES) - 1), min_size=1, max_size=3)
a_repository = st.sampled_from(REPOSITORIES)


class Upstream(Stage):
    """Declares what a test lists, out of files beside it."""

    def __init__(self, folder: Path, listed: Listed) -> None:
        self.folder, self.listed = folder, listed

    async def run(self) -> None:
        for name, body in self.listed.items():
            digest = hashlib.sha256(BODIES[body]).hexdigest()
            artifact = Artifact(sha256=digest, size=len(BODIES[body]), file=self.folder / f"{body}")
            where = DeclarativeArtifact(artifact, None, f"{name}.bin", None)
            await self.put(DeclarativeContent(Firmware(name, sha256=digest), [where]))


@attrs.define
class Model:
    """What one repository must hold: each version that stands, by its number, and the one made last."""

    versions: dict[int, Listed] = attrs.field(factory=dict)

    @property
    def latest(self) -> Listed | None:
        return self.versions[max(self.versions)] if self.versions else None


class DepotHistory(RuleBasedStateMachine):
    """Syncs, dies, opens again, damages, prunes, loses leases; `models` is what must be there."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="entrepot-history-"))
        self.models = {name: Model() for name in REPOSITORIES}
        self.damaged: set[int] = set()
        self.doubtful = False
        for number, body in enumerate(BODIES):
            (self.folder / f"{number}").write_bytes(body)
        self._open()

    def teardown(self) -> None:
        self._closing.close()
        shutil.rmtree(self.folder)

    @rule(name=a_repository, listed=listings)
    def sync(self, name: str, listed: Listed) -> None:
        assume(not self.damaged)
        model, before = self.models[name], self.models[name].latest
        made = self._sync(name, listed)

        assert (made is not None) is (listed != before if before is not None else True)
        if made is not None:
            assert made not in model.versions
            model.versions[made] = listed

    @rule(name=a_repository, listed=listings, step=st.sampled_from(STEPS), hit=st.integers(1, 12))
    def sync_that_dies(self, name: str, listed: Listed, step: str, hit: int) -> None:
        assume(not self.damaged)
        before = self._numbers(name)
        with arm(f"{step}=raise@{hit}") as armed:
            try:
                self._sync(name, listed)
            except Exception:
                assert armed.fired, "it failed by itself"
        self._crash()
        for number in self._numbers(name) - before:  # it came as far as the commit
            self.models[name].versions[number] = listed

    @rule()
    def crash(self) -> None:
        self._crash()

    @rule(name=a_repository, listed=listings)
    def sync_whose_lease_is_taken_over(self, name: str, listed: Listed) -> None:
        """Begin, be overtaken as by another process, and find every write refused; then let go."""
        sleeper = asyncio.run(self._begin_and_lose(name))

        assert isinstance(sleeper, LeaseLost)
        self._crash()

    @rule(name=a_repository)
    def second_sync_is_refused(self, name: str) -> None:
        async def twice() -> None:
            ledger = await self.opened.catalog.begin(a_run(name, "firmware"))
            with pytest.raises(RepositoryBusy):
                await sync_listed(self.opened, name, self.folder, {})
            await ledger.finish("cancelled", {})

        asyncio.run(twice())

    @rule(keep=st.integers(1, 3))
    def prune(self, keep: int) -> None:
        prune(self.opened, keep=keep)

        for model in self.models.values():
            for number in sorted(model.versions)[:-keep]:
                del model.versions[number]

    @precondition(lambda self: not self.damaged)
    @rule(body=st.integers(0, len(BODIES) - 1), wrong=st.sampled_from([b"", b"wrong", None]))
    def damage(self, body: int, wrong: bytes | None) -> None:
        path = self.opened.storage.path(hashlib.sha256(BODIES[body]).digest())
        assume(path is not None)
        assert path is not None
        path.unlink()
        if wrong is not None:
            path.write_bytes(wrong)
        self.damaged.add(body)

    @precondition(lambda self: self.damaged)
    @rule()
    def mend(self) -> None:
        """Bring the bytes again, as a repair does."""
        for body in self.damaged:
            received = self.opened.storage.receive(Artifact(sha256=hashlib.sha256(BODIES[body]).hexdigest()))
            received.write(BODIES[body])
            self.opened.storage.keep([received.finish()])
        self.damaged.clear()

    @invariant()
    def each_version_reads_as_it_was_made(self) -> None:
        for name, model in self.models.items():
            assert self._numbers(name) == set(model.versions), name
            for number, listed in model.versions.items():
                assert self._members(name, number) == set(listed)
                for path, body in listed.items():
                    if body not in self.damaged:
                        assert self._read(name, number, f"{path}.bin") == BODIES[body]

    @invariant()
    def damage_is_seen_and_nothing_else_is_wrong(self) -> None:
        if not self.damaged:
            check_depot(self.opened, ended=False)
        for body in self.damaged:
            digest = hashlib.sha256(BODIES[body]).digest()
            assert self.opened.storage.examine(digest, len(BODIES[body])) is not None

    def _open(self) -> None:
        table: dict[str, Any] = {"type": "firmware", "url": "https://upstream.example/feed", "mirror": True}
        table |= {"guard_loss": "100 %"}
        with ExitStack() as stack:
            self.opened: Depot = stack.enter_context(
                depot(
                    self.folder / "depot",
                    dict.fromkeys(REPOSITORIES, table),
                    plugins=[("firmware", firmware)],
                    installed=False,
                )
            )
            self._closing = stack.pop_all()

    def _crash(self) -> None:
        """Let everything go that a dead process would, and open again."""
        self._closing.close()
        self._open()
        with closing(sqlite3.connect(self.folder / "depot" / "home" / "catalog.sqlite")) as catalog:
            assert catalog.execute("PRAGMA quick_check").fetchall() == [("ok",)]

    def _sync(self, name: str, listed: Listed) -> int | None:
        return asyncio.run(sync_listed(self.opened, name, self.folder, listed))

    async def _begin_and_lose(self, name: str) -> BaseException | None:
        ledger = await self.opened.catalog.begin(a_run(name, "firmware"))
        overtake(self.opened.settings.catalog, name)
        try:
            await ledger.complete(fingerprint="", report={})
        except LeaseLost as error:
            return error
        return None

    def _numbers(self, name: str) -> set[int]:
        rows = self.opened.catalog.reader.repositories()
        if name not in {row.name for row in rows}:
            return set()
        return {row.number for row in self.opened.catalog.reader.versions(name)}

    def _members(self, name: str, number: int) -> set[str]:
        return {row.key.split('"')[3] for row in self.opened.catalog.reader.members(name, number)}

    def _read(self, name: str, number: int, path: str) -> bytes | None:
        (found,) = self.opened.catalog.reader.locate(name, number, path)
        assert found.artifact is not None
        try:
            with self.opened.storage.open(found.artifact.sha256) as file:
                return file.read()
        except NotHeld:
            return None


async def sync_listed(opened: Depot, name: str, folder: Path, listed: Listed) -> int | None:
    """Sync what is listed; the number of the version that was made."""
    outcome = await opened.workshop.run(Upstream(folder, listed), opened.request(name))
    return None if outcome.version is None else outcome.version.number


@pytest.mark.promise("P01", "P02", "P04", "P08", "P17", "P19", "P20")
@pytest.mark.parametrize("examples", [8, pytest.param(400, marks=pytest.mark.sweep)])
def test_any_history_of_a_depot_ends_with_what_its_model_says(examples: int) -> None:
    """Sync, die at a step, be overtaken, damage, mend, prune, open again: in any order, as often as it goes."""
    run_state_machine_as_test(
        DepotHistory,
        settings=settings(
            max_examples=examples,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],  # a history that fails is short enough as it is, and shrinking takes minutes
        ),
    )
