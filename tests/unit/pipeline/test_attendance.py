"""One piece of a plugin's work is kept to the limits of its run."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import attrs
import pytest

from entrepot.pipeline import attendance
from entrepot.pipeline.attendance import Attendance
from entrepot.pipeline.errors import RunTooLong, StageStalled
from entrepot.pipeline.vigil import Limits

WHO = "publisher of 'images' of plugin 'mine'"

#: Seconds between two looks at a run whose shortest limit is ten times that.
LOOK = 0.002


@attrs.define
class Clock:
    """Time that passes by so much from one look to the next, and tells how often it was read."""

    step: float = LOOK
    now: float = 0.0
    looks: int = -1
    slept: asyncio.Event = attrs.field(factory=asyncio.Event)
    awaited: int = 1_000_000

    def __call__(self) -> float:
        self.now += self.step
        self.looks += 1
        if self.looks >= self.awaited:
            self.slept.set()
        return self.now


@attrs.define
class Work:
    """Waits for an event that does not come, or does, and knows how it ended."""

    ended: str = "never"

    async def until(self, event: asyncio.Event) -> None:
        try:
            await event.wait()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "done"


def attending(clock: Callable[[], float], limits: Limits, *, passed: float = 0.0) -> Attendance:
    """An attendance on the work of a publisher."""
    return Attendance(limits=limits, who=WHO, clock=clock, passed=passed)


async def test_work_within_its_limits_ends_as_it_would_by_itself() -> None:
    """It is looked at meanwhile, and nobody disturbs it."""
    clock, work = Clock(awaited=5), Work()

    await attending(clock, Limits(stall=10 * LOOK, whole=10 * LOOK)).over(work.until(clock.slept))

    assert work.ended == "done"


async def test_what_work_raises_is_raised() -> None:
    """As it is: whoever called for the work knows what to say of it."""

    async def fails() -> None:
        raise KeyError("missing")

    with pytest.raises(KeyError, match="missing"):
        await attending(Clock(), Limits(stall=10 * LOOK)).over(fails())


@pytest.mark.fault("D09")
async def test_work_that_stands_still_is_cancelled_and_named() -> None:
    """After the limit, counted in looks: neither one look sooner nor two later."""
    clock, work = Clock(), Work()

    with pytest.raises(StageStalled, match="nothing has moved") as caught:
        await attending(clock, Limits(stall=10 * LOOK)).over(work.until(asyncio.Event()))

    assert WHO in str(caught.value)
    assert caught.value.remedy
    assert work.ended == "cancelled"
    assert clock.looks in (10, 11)  # ten times a tenth may be a little less than the whole


async def test_work_that_moves_does_not_stand_still() -> None:
    """Ten times as long as it might stand still; what it gives is what counts."""
    clock, work, moved = Clock(awaited=100), Work(), itertools.count()

    await attending(clock, Limits(stall=10 * LOOK, moved=moved.__next__)).over(work.until(clock.slept))

    assert work.ended == "done"


@pytest.mark.fault("D09")
async def test_time_in_which_it_moved_is_not_counted_as_standing() -> None:
    """Each movement begins anew: it stands still for the limit after the last one, not in sum."""
    clock, work = Clock(), Work()
    limits = Limits(stall=10 * LOOK, moved=lambda: min(clock.looks, 35) // 7)

    with pytest.raises(StageStalled):
        await attending(clock, limits).over(work.until(asyncio.Event()))

    assert clock.looks in (45, 46)


@pytest.mark.fault("D09")
@pytest.mark.parametrize(("passed", "looks"), [(0.0, (20, 21)), (15 * LOOK, (5, 6))], ids=["alone", "after stages"])
async def test_work_that_goes_on_for_ever_ends_with_the_whole_run(passed: float, looks: tuple[int, int]) -> None:
    """Whatever moves; and what the stages took before counts."""
    clock, work, moved = Clock(), Work(), itertools.count()
    limits = Limits(stall=10 * LOOK, whole=20 * LOOK, moved=moved.__next__)

    with pytest.raises(RunTooLong, match="goes on and on") as caught:
        await attending(clock, limits, passed=passed).over(work.until(asyncio.Event()))

    assert WHO in str(caught.value)
    assert work.ended == "cancelled"
    assert clock.looks in looks


async def test_a_machine_that_slept_stood_still_for_two_looks_at_most() -> None:
    """An hour between two looks ends nobody's work: it had no time to move."""
    clock, work = Clock(awaited=4, step=3600.0), Work()

    await attending(clock, Limits(stall=10 * LOOK, whole=10 * LOOK)).over(work.until(clock.slept))

    assert work.ended == "done"


async def test_without_limits_nobody_looks() -> None:
    """Work may then take as long as it likes."""
    clock, work, done = Clock(), Work(), asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)

    await attending(clock, Limits()).over(work.until(done))

    assert (work.ended, clock.looks) == ("done", 0)


async def test_who_waits_is_cancelled_with_the_work() -> None:
    """Nothing is left running when the sync is given up."""
    work, began = Work(), asyncio.Event()

    async def begin() -> None:
        began.set()
        await work.until(asyncio.Event())

    waiting = asyncio.ensure_future(attending(Clock(), Limits(stall=60)).over(begin()))
    await began.wait()
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.ended == "cancelled"


@pytest.mark.fault("D09")
async def test_work_that_swallows_its_end_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is told all the same, and not whatever such work ends with."""
    monkeypatch.setattr(attendance, "_GRACE", LOOK)
    at_last, left = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await at_last.wait()
        finally:
            left.set()

    with pytest.raises(StageStalled):
        await attending(Clock(), Limits(stall=10 * LOOK)).over(stubborn())

    assert not left.is_set()
    at_last.set()
    await left.wait()


async def test_an_error_that_work_ends_with_when_it_is_cancelled_hides_no_limit() -> None:
    """It came of the limit: the limit is what is told."""

    async def clumsy() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise KeyError("missing") from None

    with pytest.raises(StageStalled):
        await attending(Clock(), Limits(stall=10 * LOOK)).over(clumsy())
