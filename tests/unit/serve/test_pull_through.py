"""Pulls: groups that are fetched when somebody first asks for them, once, within bounds."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession

from entrepot.errors import ConfigurationError, DepotError, UpstreamError
from entrepot.operations.prune import prune
from entrepot.operations.sync import retry_failed, sync
from entrepot.serve import pull_through
from entrepot.serve.pull_through import ABSENT_FOR, MOST_IN_A_ROW, MOST_WAITING, PAUSE, RESTING, NotYet, PullThrough
from entrepot.serve.target import Target, parse_target
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from entrepot.testing.clock import Clock
from entrepot.testing.invariants import check_depot
from unit.serve.conftest import Serve
from unit.serve.warehouse import BLUE, RED, Warehouse, boxes_of, pulling


@pytest.fixture
async def warehouse(tmp_path: Path) -> AsyncIterator[Warehouse]:
    """Upstream has the usual box."""
    async with BadOrigin() as origin:
        with ExitStack() as stack:
            yield Warehouse(tmp_path / "depot", origin, stack)


@pytest.fixture
def clock() -> Clock:
    """Tells how long pulls have rested."""
    return Clock()


@pytest.mark.fault("D04")
@pytest.mark.promise("P10")
async def test_fifty_clients_cause_one_request_and_one_version(
    warehouse: Warehouse, serve: Serve, client: ClientSession
) -> None:
    """All are answered alike; the version before goes on without it, and no version's number causes a request."""
    warehouse.fill("red")
    of = warehouse.open()

    async def get(path: str) -> tuple[int, str]:
        async with client.get(f"{root}/{path}") as answer:
            return answer.status, await answer.text()

    async with serve(of, "tools") as root:
        assert (await get("tools@1/red/"))[0] == 404
        assert warehouse.origin.count("/red") == 0
        answers = await asyncio.gather(*(get("tools/red/") for _ in range(50)))
        assert [status for status, _ in answers] == [200] * 50
        assert {text for _, text in answers} == {"red is full"}
        assert (await get("tools@1/red/"))[0] == 404

    assert warehouse.origin.count("/red") == 1
    assert boxes_of(of, 1) == ["usual"]
    assert boxes_of(of, 2) == ["red", "usual"]
    check_depot(of, origin=warehouse.origin)


@pytest.mark.promise("P10")
async def test_who_looked_just_before_it_came_is_sent_to_look_again(warehouse: Warehouse, clock: Clock) -> None:
    """Upstream is asked once, however slow one of those who asked at once is; later it may have gone again."""
    warehouse.fill("red")
    of = warehouse.open()
    await sync(of, "tools")
    async with pulling(of, clock) as pulls:
        assert [await pulls.bring(RED) for _ in range(3)] == [True] * 3
        assert warehouse.origin.count("/red") == 1

        clock.turn(seconds=RESTING + 1)
        assert await pulls.bring(RED)
        assert warehouse.origin.count("/red") == 2


async def test_what_was_asked_for_stays_when_the_repository_mirrors(warehouse: Warehouse, clock: Clock) -> None:
    """The next sync brings what is new of it, and lets go of it where upstream or the operator does."""
    warehouse.fill("red", "blue")
    of = warehouse.open()
    await sync(of, "tools")
    async with pulling(of, clock) as pulls:
        assert all(await asyncio.gather(pulls.bring(RED), pulls.bring(BLUE)))
    assert boxes_of(of) == ["blue", "red", "usual"]

    warehouse.fill("red", content="changed")
    warehouse.origin.on("/blue", Reply(status=404))
    await sync(of, "tools")
    assert boxes_of(of) == ["red", "usual"]
    assert of.catalog.reader.locate("tools", of.catalog.reader.version("tools").number, "red/")[0].body == (
        b"red is changed"
    )

    await sync(warehouse.open(pull_through=False), "tools")
    assert boxes_of(of) == ["usual"]
    check_depot(of, origin=warehouse.origin)


async def test_a_repository_that_was_never_synced_begins_with_what_is_asked_for(
    warehouse: Warehouse, serve: Serve, client: ClientSession
) -> None:
    """Its first version is a pull's."""
    warehouse.fill("red")
    of = warehouse.open()

    async with serve(of) as root, client.get(f"{root}/tools/red/") as answer:
        assert (answer.status, await answer.text()) == (200, "red is full")

    assert boxes_of(of, 1) == ["red"]
    await sync(of, "tools")
    assert boxes_of(of) == ["red", "usual"]


async def test_what_upstream_does_not_have_is_not_asked_for_again_for_a_while(
    warehouse: Warehouse, clock: Clock
) -> None:
    """After that it may have come; a version is made for nothing that is not there."""
    of = warehouse.open()
    await sync(of, "tools")
    async with pulling(of, clock) as pulls:
        assert [await pulls.bring(RED) for _ in range(3)] == [False] * 3
        warehouse.fill("red")
        clock.turn(seconds=ABSENT_FOR - 1)
        assert not await pulls.bring(RED)
        assert warehouse.origin.count("/red") == 1

        clock.turn(seconds=2)
        assert await pulls.bring(RED)
    assert [row.number for row in of.catalog.reader.versions("tools")] == [1, 2]


@pytest.mark.parametrize(
    "path", ["tools/", "tools", "tools/red", "tools/re d/", "tools@1/red/", "tools@2026-01-01/red/"]
)
async def test_what_asks_for_no_group_costs_upstream_nothing(warehouse: Warehouse, clock: Clock, path: str) -> None:
    """Neither does a version or a moment, nor a repository that does not pull."""
    warehouse.fill("red")
    async with pulling(warehouse.open(), clock) as pulls:
        assert not await pulls.bring(parse_target(f"/{path}"))
    async with pulling(warehouse.open(pull_through=False), clock) as pulls:
        assert not await pulls.bring(RED)

    assert warehouse.origin.requests == []


async def test_made_up_names_cost_a_bounded_number_of_requests(
    warehouse: Warehouse, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once so many are known to be absent, one more is asked for now and then: a flood keeps nobody out."""
    monkeypatch.setattr(pull_through, "MOST_ABSENT", 150)
    of = warehouse.open()
    await sync(of, "tools")

    async def ask(number: int) -> bool | str:
        try:
            return await pulls.bring(Target("tools", None, f"made{number}/"))
        except NotYet:
            return "not yet"

    async with pulling(of, clock) as pulls:
        answers = [await asyncio.gather(*(ask(number) for number in range(wave, wave + 300))) for wave in (0, 300, 600)]
        assert [wave.count(False) for wave in answers] == [MOST_WAITING, MOST_WAITING, 1]
        assert warehouse.origin.count("/made*") == 2 * MOST_WAITING + 1
        clock.turn(seconds=ABSENT_FOR / 150)
        warehouse.fill("red")
        assert await pulls.bring(RED)
        assert await ask(1000) == "not yet"
        clock.turn(seconds=ABSENT_FOR + 1)
        assert not await ask(1000)
    check_depot(of, origin=warehouse.origin)


@pytest.mark.fault("A02")
@pytest.mark.parametrize("on_error", ["fail", "skip", "keep"])
async def test_one_group_that_fails_holds_up_no_other(warehouse: Warehouse, clock: Clock, on_error: str) -> None:
    """Whoever asked for it is told why, and a moment later it is tried again."""
    names = [f"box{number}" for number in range(10)]
    warehouse.fill(*names)
    warehouse.origin.on("/box7", Reply(status=500), Reply(status=500), Reply(status=500), Reply(status=500))
    of = warehouse.open(on_error=on_error)
    async with pulling(of, clock) as pulls:
        targets = [Target("tools", None, f"{name}/") for name in names]
        answers = await asyncio.gather(*map(pulls.bring, targets), return_exceptions=True)
        assert [answer for answer in answers if answer is not True] == [answers[7]]
        assert isinstance(answers[7], UpstreamError)
        assert "500" in str(answers[7])

        warehouse.fill("box7")
        with pytest.raises(UpstreamError, match="500"):
            await pulls.bring(targets[7])
        clock.turn(seconds=RESTING + 1)
        assert await pulls.bring(targets[7])
    assert boxes_of(of) == names
    check_depot(of, origin=warehouse.origin)


@pytest.mark.fault("A01")
@pytest.mark.parametrize("status", [500, 503, 429])
async def test_an_upstream_that_fails_is_let_alone_for_a_while(warehouse: Warehouse, clock: Clock, status: int) -> None:
    """However many ask, a few requests tell; what is here is served, and afterwards it is tried again."""
    of = warehouse.open()
    await sync(of, "tools")
    warehouse.origin.on("/box*", Reply(status=status))

    async with pulling(of, clock) as pulls:
        for number in range(20):
            with pytest.raises(UpstreamError):
                await pulls.bring(Target("tools", None, f"box{number}/"))
        assert warehouse.origin.count("/box*") == MOST_IN_A_ROW

        warehouse.fill("box1")
        clock.turn(seconds=PAUSE + 1)
        assert await pulls.bring(Target("tools", None, "box1/"))
    check_depot(of, origin=warehouse.origin)


@pytest.mark.fault("A05")
async def test_a_client_waits_for_a_slow_upstream_only_so_long(warehouse: Warehouse, clock: Clock) -> None:
    """It is told to ask again, and finds it then: the fetch goes on meanwhile."""
    gate = asyncio.Event()
    warehouse.fill("red")
    warehouse.origin.on("/red", Reply(body=b'"slow"', gate=gate))
    of = warehouse.open()

    async with pulling(of, clock, patience=0.1) as pulls:
        for _ in range(2):
            with pytest.raises(NotYet, match="ask again"):
                await pulls.bring(RED)
        gate.set()
        while not await _brought(pulls, RED):
            pass

    assert warehouse.origin.count("/red") == 1
    assert boxes_of(of) == ["red"]


async def _brought(pulls: PullThrough, target: Target) -> bool:
    try:
        return await pulls.bring(target)
    except NotYet:
        return False


@pytest.mark.fault("D01")
async def test_a_pull_waits_while_somebody_else_syncs(warehouse: Warehouse, clock: Clock) -> None:
    """Then it goes on; who has no patience is told that the repository is being synced."""
    gate = asyncio.Event()
    warehouse.fill("red")
    warehouse.origin.on("/usual", Reply(body=b'"slow"', gate=gate))
    one, other = warehouse.open(), warehouse.open()
    syncing = asyncio.create_task(sync(one, "tools"))
    await warehouse.origin.arrived(1)

    async with pulling(other, clock) as pulls:
        asked = asyncio.create_task(pulls.bring(RED))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asked), 0.1)
        clock.turn(seconds=31)
        with pytest.raises(NotYet, match="being synced"):
            await asked

        asked = asyncio.create_task(pulls.bring(RED))
        gate.set()
        await syncing
        assert await asked
    assert boxes_of(one) == ["red", "usual"]
    check_depot(one, origin=warehouse.origin)


async def test_two_servers_of_one_depot_bring_the_same_group_once(warehouse: Warehouse, clock: Clock) -> None:
    """Both answer, and one version has it."""
    warehouse.fill("red")
    one, other = warehouse.open(), warehouse.open()
    async with pulling(one, clock) as first, pulling(other, clock) as second:
        assert all(await asyncio.gather(first.bring(RED), second.bring(RED)))

    assert [row.number for row in one.catalog.reader.versions("tools")] == [1]
    check_depot(one, origin=warehouse.origin)


@pytest.mark.fault("C07")
async def test_a_depot_that_cannot_be_written_serves_what_it_has(
    warehouse: Warehouse, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for more is told of the trouble; when it is over, the next one is answered."""
    warehouse.fill("red")
    of = warehouse.open()
    await sync(of, "tools")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    async with pulling(of, clock) as pulls:
        with monkeypatch.context() as patch:
            patch.setattr(os, "pwrite", refuse)
            with pytest.raises(DepotError):
                await pulls.bring(RED)
        clock.turn(seconds=RESTING + 1)
        assert await pulls.bring(RED)
    check_depot(of, origin=warehouse.origin)


@pytest.mark.fault("C03")
async def test_a_server_that_stops_ends_its_pulls(warehouse: Warehouse, clock: Clock) -> None:
    """What it had begun is no version, and the next server brings it."""
    gate = asyncio.Event()
    warehouse.origin.on("/red", Reply(body=b'"at last"', gate=gate))
    of = warehouse.open()
    async with pulling(of, clock) as pulls:
        asked = asyncio.create_task(pulls.bring(RED))
        await warehouse.origin.arrived(1)
    with pytest.raises(NotYet):
        await asked

    gate.set()
    async with pulling(of, clock) as pulls:
        assert await pulls.bring(RED)
    assert boxes_of(of, 1) == ["red"]
    check_depot(of, origin=warehouse.origin)


async def test_a_private_repository_pulls_for_nobody_without_its_token(
    warehouse: Warehouse, serve: Serve, client: ClientSession
) -> None:
    """Who may not see it cannot make it ask upstream either."""
    warehouse.fill("red")
    of = warehouse.open(private=True)
    async with serve(of, "tools") as root, client.get(f"{root}/tools/red/") as answer:
        assert answer.status == 404

    assert warehouse.origin.count("/red") == 0


async def test_what_a_sync_gave_up_on_is_still_known_after_a_pull(warehouse: Warehouse, clock: Clock) -> None:
    """A pull looks at nothing else: the failed unit can be tried again."""
    warehouse.fill("red")
    warehouse.origin.on("/usual", Reply(status=500), Reply(body=b'"healed"'))
    of = warehouse.open(on_error="skip")
    await sync(of, "tools")
    async with pulling(of, clock) as pulls:
        assert await pulls.bring(RED)

    assert await retry_failed(of, "tools") is not None
    assert boxes_of(of) == ["red", "usual"]


def test_a_type_that_cannot_pull_refuses_the_setting(warehouse: Warehouse) -> None:
    """With the key that is wrong."""
    of = warehouse.open(type="bins")
    with pytest.raises(ConfigurationError, match="cannot fetch") as refused:
        of.request("tools")

    assert refused.value.where.endswith("repositories.tools.pull_through")


async def test_a_client_that_is_to_ask_again_is_told_when(
    warehouse: Warehouse,
    serve: Serve,
    client: ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """503 and `Retry-After`, which pip and uv heed; nothing of ours is wrong, so the log says nothing."""
    monkeypatch.setattr(pull_through, "MOST_WAITING", 0)
    async with serve(warehouse.open(), "tools") as root, client.get(f"{root}/tools/red/") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")

    assert warehouse.origin.count("/red") == 0
    assert caplog.records == []


async def test_what_was_asked_for_is_known_after_old_versions_are_pruned(warehouse: Warehouse, clock: Clock) -> None:
    """The runs that brought it go with their versions, and the next sync mirrors it all the same."""
    warehouse.fill("red")
    of = warehouse.open()
    async with pulling(of, clock) as pulls:
        assert await pulls.bring(RED)
    for content in ("one", "two", "three"):
        warehouse.fill("usual", content=content)
        await sync(of, "tools")
    await asyncio.to_thread(prune, of, ["tools"], keep=1)
    warehouse.fill("red", content="changed")
    await sync(of, "tools")

    assert boxes_of(of) == ["red", "usual"]
    assert of.catalog.reader.locate("tools", 5, "red/")[0].body == b"red is changed"
    check_depot(of, origin=warehouse.origin)
