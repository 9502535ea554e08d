"""The sweep: the n-th hit of each failpoint fails, for n = 1, 2, 3 and so on until none is left."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import attrs
import pytest

from entrepot.failpoints import ACTIONS, FAILPOINTS, Order, arm
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.invariants import check_depot
from integration.failing import Forks, forks
from integration.upstream import FirmwareUpstream
from integration.workloads import STATES, WORKLOADS, Workload, foreign, litter, opened, stored, visible
from seeds import seeded

#: What no work here comes by when nothing fails: it takes another try, many files, or litter.
UNUSUAL = {"storage.empty", "storage.sync_whole", "depot.scratch.clear", "settings.discard"}

#: Of the large pieces of work but the first, whose failpoints the others share, the default run tries so many.
SAMPLED = 7


@attrs.frozen(kw_only=True)
class Trial:
    """One piece of work in a folder of its own, from the same start each time."""

    name: str
    start: Path
    folder: Path
    upstream: FirmwareUpstream
    forks: Forks
    planted: bool = False

    @property
    def workload(self) -> Workload:
        return WORKLOADS[self.name]

    @property
    def repositories(self) -> dict[str, Any]:
        return self.workload.configured(self.upstream.url)

    def reset(self) -> None:
        """Begin from the start again."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.start.exists():
            shutil.copytree(self.start, self.folder)

    async def hits(self) -> Counter[str]:
        """How often each failpoint is hit when nothing fails."""
        self.reset()
        with arm() as armed:
            await self.workload.work(self.folder, self.repositories)
        return armed.hits

    async def fail(self, order: Order) -> bool:
        """Let it fail, then check that nothing is lost and that work goes on; whether it came to that."""
        self.reset()
        fired = await (self.killed(order) if order.action == "kill" else self.failed(order))
        held = stored(self.folder, self.workload.damaged_digests)
        self.check_versions(whole=False)
        self.workload.settled(self.folder)
        before = len(self.upstream.origin.requests)
        await self.workload.work(self.folder, self.repositories)
        self.check_versions(whole=True)
        self.workload.settled(self.folder)
        self.check_requests(held, before)
        assert litter(self.folder) == []
        if self.name != "migration":  # this program would refuse what a later one has written
            with opened(self.folder, self.repositories) as here:
                check_depot(here, origin=self.upstream.origin)
        return fired

    async def killed(self, order: Order) -> bool:
        """Fail in a process of its own; it ends killed, or well."""
        ended = await self.forks.work(
            str(order), self.name, folder=self.folder, repositories=self.repositories, planted=self.planted
        )
        assert not ended["error"], ended
        return bool(ended["killed"])

    async def failed(self, order: Order) -> bool:
        """Fail in this process; it ends well, or with errors of ours alone."""
        with arm(order) as armed:
            error = await caught(self.workload.work(self.folder, self.repositories))
        assert armed.fired or error is None, "it failed by itself"
        assert error is None or foreign(error) == [], "a foreign error left its room"
        return bool(armed.fired)

    def check_versions(self, *, whole: bool) -> None:
        """Each version that can be seen is right; there are all, or all but the last."""
        seen = visible(self.folder)
        for number, bodies in seen.items():
            assert bodies.keys() == self.workload.versions[number].keys(), f"version {number} is not whole"
            for name, body in bodies.items():
                to_come = self.workload.policy == "on_demand" and body is None
                excused = not whole and (to_come or name in self.workload.damaged)
                assert excused or body == self.workload.versions[number][name], f"{name} of version {number}"
        last = self.workload.states if whole else self.workload.synced
        enough = set(range(self.workload.kept + 1, last + 1))
        assert enough <= seen.keys(), "a version was lost"
        assert not whole or seen.keys() == enough, "a version is left"

    def check_requests(self, held: frozenset[str], before: int) -> None:
        """What stood under its final name was not asked for again."""
        asked = {request.path.rpartition("/")[2] for request in self.upstream.origin.requests[before:]}
        bodies = STATES[self.workload.states - 1]
        again = {name for name, body in bodies.items() if hashlib.sha256(body).hexdigest() in held}
        assert not {f"{name}.bin" for name in again} & asked, "fetched again although it stood under its name"


@pytest.fixture
async def processes() -> AsyncIterator[Forks]:
    """Where work is killed."""
    async with forks() as running:
        yield running


async def trial(name: str, tmp_path: Path, origin: BadOrigin, processes: Forks, **given: Any) -> Trial:
    """Prepare the start of a piece of work."""
    start, upstream = tmp_path / "start", FirmwareUpstream(origin)
    await WORKLOADS[name].prepare(start, upstream)
    return Trial(name=name, start=start, folder=tmp_path / "depot", upstream=upstream, forks=processes, **given)


async def caught(work: Coroutine[Any, Any, Any]) -> Exception | None:
    """What a piece of work raises."""
    try:
        await work
    except Exception as error:
        return error
    return None


async def still_finds(tried: Trial, order: Order) -> None:
    """Fail as ordered; that no such hit is left is a failure too."""
    assert await tried.fail(order), "the sweep ended and found nothing"


async def told(tried: Trial, order: Order) -> bool:
    """Fail as ordered; an error says which order it was."""
    try:
        return await tried.fail(order)
    except BaseException as error:
        error.add_note(f"{tried.name}, with {order}")
        raise


@pytest.mark.power
@pytest.mark.fault("C01", "C05", "C08")
@pytest.mark.promise("P01", "P03", "P04", "P05")
@pytest.mark.parametrize("name", WORKLOADS)
async def test_work_that_fails_anywhere_loses_nothing(
    name: str, tmp_path: Path, origin: BadOrigin, processes: Forks
) -> None:
    """At a hit of each failpoint, failing in a way, both taken by chance: all versions right, and work goes on.

    A failure names the failpoint and the hit; `ENTREPOT_TEST_SEED` repeats it.
    """
    chance = seeded(20)
    tried = await trial(name, tmp_path, origin, processes)
    hits = await tried.hits()
    points = sorted(hits)
    if name in ("second sync", "on-demand fetch", "prune", "repair"):
        points = chance.sample(points, SAMPLED)

    fired = [
        await told(tried, Order(point, chance.choice(ACTIONS), chance.randint(1, hits[point]))) for point in points
    ]

    assert any(fired)


@pytest.mark.power
@pytest.mark.sweep
@pytest.mark.fault("C01", "C05", "C08")
@pytest.mark.promise("P01", "P03", "P04", "P05")
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("name", WORKLOADS)
async def test_every_hit_of_every_failpoint_loses_nothing(
    name: str, action: Any, tmp_path: Path, origin: BadOrigin, processes: Forks
) -> None:
    """The whole sweep: of each failpoint the first hit, the second, and so on until none fires."""
    tried = await trial(name, tmp_path, origin, processes)

    fired = Counter[str]()
    for point in await tried.hits():
        while await told(tried, Order(point, action, fired[point] + 1)):
            fired[point] += 1

    assert fired


async def test_the_work_comes_by_every_failpoint(tmp_path: Path, origin: BadOrigin, processes: Forks) -> None:
    """What the sweep never comes by would stay untried; exceptions are few, and stay exceptions."""
    hit: set[str] = set()
    for name in WORKLOADS:
        hit |= (await (await trial(name, tmp_path / name, origin, processes)).hits()).keys()

    assert hit == FAILPOINTS.keys() - UNUSUAL


@pytest.mark.power
async def test_the_sweep_finds_a_storage_that_writes_straight_to_the_final_name(
    tmp_path: Path, origin: BadOrigin, processes: Forks
) -> None:
    """The mistake that it is there for: half a file under a name that says it is whole."""
    tried = await trial("first sync", tmp_path, origin, processes, planted=True)

    found, hit = None, 0
    while found is None:
        hit += 1
        found = await caught(still_finds(tried, Order("storage.write", "kill", hit)))

    assert "wrong bytes stand under a final name" in str(found)
