"""One timer watches all transfers, and tells its own endings from everybody else's."""

from __future__ import annotations

import asyncio

import pytest

from entrepot.download.throughput import Transfer, Watch
from entrepot.model.remote import Politeness


class Stream:
    """Counts what came in."""

    total_bytes = 0


class Clock:
    """Stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


LIMITS = Politeness(connect_timeout=1, header_timeout=2, throughput_window=10, min_throughput=100)


async def swept(watch: Watch) -> None:
    """Do now what the timer does later."""
    watch._sweep()
    await asyncio.sleep(0)


async def waiting(watch: Watch, made: list[Transfer], *, deadline: float | None = None) -> str:
    """Begin a transfer that never gets on, and tell how it ended."""
    transfer = watch.begin(deadline)
    made.append(transfer)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        if transfer.ended_by_watch():
            return str(transfer.verdict)
        raise
    finally:
        watch.end(transfer)
    return ""


async def begun(watch: Watch, *, deadline: float | None = None) -> tuple[asyncio.Task[str], Transfer]:
    """Start one and wait until it waits."""
    made: list[Transfer] = []
    task = asyncio.create_task(waiting(watch, made, deadline=deadline))
    await asyncio.sleep(0)
    return task, made[0]


@pytest.mark.fault("A05")
@pytest.mark.promise("P26")
async def test_a_head_has_the_time_of_connecting_and_of_answering() -> None:
    """And again after a redirect."""
    clock = Clock()
    watch = Watch(LIMITS, clock)
    task, transfer = await begun(watch)

    clock.now += 2.9
    await swept(watch)
    watch.next_head(transfer)
    clock.now += 2.9
    await swept(watch)
    assert not task.done()
    clock.now += 0.2
    await swept(watch)

    assert "head" in await task
    watch.close()


@pytest.mark.fault("A06")
@pytest.mark.promise("P26")
@pytest.mark.parametrize(("came", "ends"), [(999, True), (1000, False), (5000, False)])
async def test_a_body_must_bring_so_much_in_each_window(came: int, ends: bool) -> None:
    """What came before does not make up for it."""
    clock, stream = Clock(), Stream()
    watch = Watch(LIMITS, clock)
    task, transfer = await begun(watch)
    stream.total_bytes = 0
    watch.body(transfer, stream)
    stream.total_bytes = 1_000_000
    clock.now += 10
    await swept(watch)

    stream.total_bytes += came
    clock.now += 10
    await swept(watch)

    assert task.done() == ends
    task.cancel()
    await asyncio.wait([task])
    watch.close()


async def test_time_that_we_hold_a_body_up_does_not_count() -> None:
    """A full disk queue or a limit of ours is no fault of the upstream."""
    clock, stream = Clock(), Stream()
    watch = Watch(LIMITS, clock)
    task, transfer = await begun(watch)
    watch.body(transfer, stream)

    watch.hold(transfer)
    clock.now += 1000
    await swept(watch)
    watch.release(transfer)
    clock.now += 9
    await swept(watch)
    assert not task.done()
    clock.now += 1
    await swept(watch)

    assert "only 0 bytes" in await task
    watch.close()


async def test_a_deadline_ends_even_what_is_held_up() -> None:
    """It is on the whole download."""
    clock = Clock()
    watch = Watch(LIMITS, clock)
    task, transfer = await begun(watch, deadline=1001.0)
    watch.hold(transfer)

    clock.now += 1
    await swept(watch)

    assert "total_timeout" in await task
    watch.close()


async def test_a_cancellation_by_somebody_else_stays_one() -> None:
    """Also when both come at once: whoever cancelled waits for the task to end cancelled."""
    clock = Clock()
    watch = Watch(LIMITS, clock)
    alone, _ = await begun(watch)
    both, _ = await begun(watch)

    alone.cancel()
    await asyncio.wait([alone])
    clock.now += 100
    both.cancel()
    await swept(watch)
    await asyncio.wait([both])

    assert alone.cancelled()
    assert both.cancelled()
    watch.close()


async def test_a_task_that_the_watch_ended_can_go_on() -> None:
    """The cancellation is taken back: the next try runs in the same task."""
    clock = Clock()
    watch = Watch(LIMITS, clock)

    async def twice() -> list[str]:
        made: list[Transfer] = []
        return [await waiting(watch, made), await waiting(watch, made)]

    task = asyncio.create_task(twice())
    for _ in range(2):
        await asyncio.sleep(0)
        clock.now += 100
        await swept(watch)
        await asyncio.sleep(0)

    assert len(await task) == 2
    assert task.cancelling() == 0
    watch.close()


async def test_no_timer_runs_while_nothing_is_watched() -> None:
    """An idle server wakes up for nobody."""
    clock = Clock()
    watch = Watch(LIMITS, clock)
    task, _ = await begun(watch)
    task.cancel()
    await asyncio.wait([task])

    await swept(watch)

    assert watch._timer is None
