"""Stages that let units go, leave things behind, or would end the program."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest

from entrepot.errors import StageFailed
from entrepot.pipeline.errors import LeftOpen
from entrepot.pipeline.run import Pipeline
from entrepot.pipeline.stage import EndStage, Stage
from entrepot.possessions import Possessions, for_nobody, note_socket
from number_stages import Numbers, PassOn, nothing_is_left_running


class Does(Stage[int]):
    """Does something of its own, and then passes all on."""

    def __init__(self, what: Callable[[], object]) -> None:
        self.what = what
        self.kept: object = None

    async def run(self) -> None:
        self.kept = self.what()
        async for number in self.items():
            await self.put(number)


class Keeps(Stage[int]):
    """Passes on what a rule says, and stops after so many."""

    def __init__(self, rule: Callable[[int], bool], most: int = 1000) -> None:
        self.rule, self.most = rule, most

    async def run(self) -> None:
        async for number in self.items():
            if self.rule(number):
                await self.put(number)
            self.most -= 1
            if not self.most:
                return


def running(stage: Stage[int]) -> Pipeline[int]:
    """Ten numbers through a stage of plugin `mine`."""
    return Pipeline([Numbers(range(10)), PassOn(), stage, EndStage()], owners=["", "", "mine"])


def noted_socket() -> socket.socket:
    """A socket that is noted as the program notes it; its way cannot be undone in a test's process."""
    opened = socket.socket()
    note_socket("socket.__new__", (opened,))
    return opened


def raising(error: BaseException) -> Callable[[], object]:
    """Something that raises."""

    def do() -> object:
        raise error

    return do


@pytest.mark.fault("D09")
@pytest.mark.parametrize(
    "error", [SystemExit(0), KeyboardInterrupt(), GeneratorExit(), StopIteration(), BaseException()]
)
async def test_what_a_stage_raises_ends_the_run_whatever_it_is(error: BaseException) -> None:
    """An error that is no `Exception` neither counts as the stage's end nor ends the program."""
    with pytest.raises(StageFailed) as caught:
        await running(Does(raising(error))).run()

    assert "stage 'Does' of plugin 'mine'" in caught.value.where
    assert nothing_is_left_running()


@pytest.mark.fault("D09")
async def test_a_task_that_a_stage_leaves_behind_is_named_and_ended() -> None:
    """What it did later would be for nobody."""

    async def linger() -> None:
        await asyncio.Event().wait()

    with pytest.raises(LeftOpen, match=r"left behind: a task that runs .*linger") as caught:
        await running(Does(lambda: asyncio.ensure_future(linger()))).run()

    assert "stage 'Does' of plugin 'mine'" in caught.value.where
    assert nothing_is_left_running()


async def test_a_task_that_ends_by_itself_is_left_alone() -> None:
    """It has a moment after the last unit."""

    async def briefly() -> None:
        await asyncio.sleep(0.05)

    await running(Does(lambda: asyncio.ensure_future(briefly()))).run()


@pytest.mark.fault("D09")
async def test_a_socket_that_a_stage_leaves_open_is_named() -> None:
    """One that it closes is not, nor one that is kept for others."""

    def closes() -> None:
        noted_socket().close()

    def for_others() -> socket.socket:
        with for_nobody():
            return noted_socket()

    await running(Does(closes)).run()
    await running(kept := Does(for_others)).run()
    with pytest.raises(LeftOpen, match="left behind: an open socket") as caught:
        await running(left := Does(noted_socket)).run()

    assert "stage 'Does' of plugin 'mine'" in caught.value.where
    for stage in (kept, left):
        assert isinstance(stage.kept, socket.socket)
        stage.kept.close()


@pytest.mark.fault("D09")
@pytest.mark.parametrize(
    ("stage", "units", "unread"),
    [(Keeps(lambda number: number % 2 == 0), 5, 0), (Keeps(lambda _: True, most=3), 7, 7)],
    ids=["drops", "returns early"],
)
async def test_units_that_went_without_a_word_are_counted(stage: Stage[int], units: int, unread: int) -> None:
    """Those that a stage read and did not put on, and those that it never read."""
    pipeline = running(stage)
    await pipeline.run()

    (lost,) = pipeline.lost({"mine"})

    assert (lost.units, lost.unread) == (units, unread)
    assert (f"{units - unread} that it read, and neither put on" in lost.what) == (units > unread)
    assert (f"{unread} that it never read" in lost.what) == (unread > 0)
    assert "stage 'Keeps' of plugin 'mine'" in lost.where
    assert pipeline.lost({"another"}) == []


async def test_a_stage_that_puts_on_more_than_it_was_given_has_lost_nothing() -> None:
    """Content found inside content is put on beside it."""

    class Doubles(Stage[int]):
        async def run(self) -> None:
            async for number in self.items():
                await self.put(number)
                await self.put(-number)

    pipeline = running(Doubles())
    await pipeline.run()

    assert pipeline.lost({"mine"}) == []


def test_sockets_are_told_in_the_same_order_each_time() -> None:
    """First those that lead somewhere, however they came to be noted."""
    for _ in range(20):
        owned = Possessions()
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
            owned.sockets.add(server)
            owned.sockets.add(client)

            assert owned.still_open() == [f"an open socket to {server.getsockname()}", "an open socket"]
