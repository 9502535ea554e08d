"""How long a run may stand still, and how long it may take."""

from __future__ import annotations

import asyncio

import pytest

from entrepot.pipeline.errors import RunTooLong, StageStalled
from entrepot.pipeline.run import Pipeline
from entrepot.pipeline.stage import EndStage, Stage
from entrepot.pipeline.vigil import Limits, Vigil
from number_stages import Numbers, PassOn, Sleeper


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Floods(Stage[int]):
    """Puts one number on for ever."""

    async def run(self) -> None:
        async for number in self.items():
            while True:
                await self.put(number)


def vigil(limits: Limits, clock: Clock) -> Vigil:
    """A vigil over a run that has not begun, and so stands still."""
    pipeline = Pipeline([Numbers([1]), Sleeper()], clock=clock, owners=["", "mine"])
    for seat in pipeline._seats:
        seat.connection.meter.start()
    return Vigil(pipeline._seats, limits, clock=clock)


@pytest.mark.fault("D09")
async def test_a_run_that_stands_still_ends_by_the_name_of_whom_it_waits_for() -> None:
    """The others are cancelled, and nothing is left running."""
    pipeline = Pipeline(
        [Numbers(range(9)), PassOn(), Sleeper(), EndStage()], owners=["", "", "mine"], limits=Limits(stall=0.2)
    )

    with pytest.raises(StageStalled, match="nothing has moved") as caught:
        async with asyncio.timeout(30):
            await pipeline.run()

    assert caught.value.where.startswith("stage 'Sleeper' of plugin 'mine'")


@pytest.mark.fault("D09")
async def test_a_run_that_moves_for_ever_ends_by_the_name_of_who_floods_it() -> None:
    """Its units move, so that it does not stand still; only the whole run's limit ends it."""
    pipeline = Pipeline(
        [Numbers(range(9)), PassOn(), Floods(), EndStage()],
        owners=["", "", "mine"],
        limits=Limits(stall=20, whole=0.3),
    )

    with pytest.raises(RunTooLong, match="stage 'Floods' was given") as caught:
        async with asyncio.timeout(30):
            await pipeline.run()

    assert caught.value.where.startswith("stage 'Floods' of plugin 'mine'")


def test_time_in_which_the_process_was_stopped_does_not_count() -> None:
    """However long that was, it is two looks at most; looks that follow one another do count."""
    clock = Clock()
    watched = vigil(Limits(stall=10), clock)
    watched.look()

    clock.now += 86_400
    after_a_day = watched.look()
    looks = 0
    while (error := watched.look()) is None:
        clock.now += 1
        looks += 1

    assert after_a_day is None
    assert isinstance(error, StageStalled)
    assert 7 <= looks <= 10


def test_what_moves_beside_units_counts() -> None:
    """A long download and a long statement are no stage's fault."""
    clock, moved = Clock(), [0]
    watched = vigil(Limits(stall=10, moved=lambda: moved[0]), clock)

    for _ in range(30):
        clock.now += 1
        moved[0] += 1
        assert watched.look() is None


def test_without_limits_nobody_looks() -> None:
    """And no timer is set."""
    assert Limits().every is None
    assert Limits(whole=600).every == 5.0
