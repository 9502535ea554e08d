"""Bounded ways between stages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from entrepot.errors import PipelineStopped
from entrepot.pipeline.channel import FAIR_SHARE, Channel
from entrepot.pipeline.meter import Meter
from number_stages import settle


def make_channel(capacity: int) -> Channel[int]:
    ticks: Iterator[int] = iter(range(10**9))
    meters = [Meter(lambda: float(next(ticks))) for _ in range(2)]
    return Channel(capacity, writer=meters[0], reader=meters[1])


async def test_a_unit_can_be_taken_the_moment_it_was_put() -> None:
    """No one waits for a chunk to be full: chunks are what a reader takes."""
    channel = make_channel(10)

    await channel.put(1)

    assert channel.take() == [1]


async def test_a_reader_takes_all_that_is_there_at_once_and_in_order() -> None:
    """One look brings everything."""
    channel = make_channel(10)
    for number in range(7):
        await channel.put(number)

    assert channel.take() == list(range(7))
    assert channel.take() == []


async def test_a_full_channel_holds_the_sender_back() -> None:
    """A sender waits while the channel is full, and goes on once units are taken."""
    channel = make_channel(1)
    await channel.put(1)

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(channel.put(2))
        await settle()
        assert not waiting.done()

        assert channel.take() == [1]
    assert channel.take() == [2]


async def test_senders_are_let_in_in_the_order_in_which_they_came() -> None:
    """Many tasks may put; none overtakes another, and the bound holds."""
    channel = make_channel(2)
    taken = []

    async with asyncio.TaskGroup() as tasks:
        for number in range(9):
            tasks.create_task(channel.put(number))
        await settle()
        for _ in range(5):
            assert len(channel.units) <= 2
            taken += channel.take()
            await settle()

    assert taken == list(range(9))


async def test_a_sender_that_was_cancelled_while_waiting_leaves_nothing_behind() -> None:
    """Its unit is not sent, and the next in the queue is let in instead."""
    channel = make_channel(1)
    await channel.put(1)
    given_up, patient = asyncio.ensure_future(channel.put(2)), asyncio.ensure_future(channel.put(3))
    await settle()

    given_up.cancel()
    await settle()

    assert channel.take() == [1]
    await patient
    assert channel.take() == [3]
    assert channel.entered == 2


async def test_a_sleeping_reader_is_woken_by_the_first_unit_and_by_the_end() -> None:
    """Whatever happens first."""
    channel = make_channel(3)
    reader = asyncio.ensure_future(channel.arrival())
    await settle()
    assert not reader.done()

    await channel.put(1)
    await reader

    channel.take()
    reader = asyncio.ensure_future(channel.arrival())
    await settle()
    channel.close()
    await reader
    assert channel.ended


async def test_a_cancelled_reader_does_not_keep_senders_from_sending() -> None:
    """What comes after is there for the next reader."""
    channel = make_channel(3)
    reader = asyncio.ensure_future(channel.arrival())
    await settle()
    reader.cancel()
    await settle()

    await channel.put(1)
    await channel.put(2)

    assert channel.take() == [1, 2]


async def test_an_abandoned_channel_drops_and_counts() -> None:
    """What is there, what waits to get in and what comes later is dropped; nobody waits."""
    channel = make_channel(1)
    await channel.put(1)
    waiting = [asyncio.ensure_future(channel.put(number)) for number in (2, 3)]
    await settle()

    channel.abandon()
    await asyncio.gather(*waiting)
    await channel.put(4)

    assert channel.take() == []
    assert (channel.dropped, channel.entered) == (4, 4)


async def test_who_only_drops_still_lets_others_run() -> None:
    """Without a turn now and then, an endless sender could not even be cancelled."""
    channel = make_channel(1)
    channel.abandon()

    async def send_for_ever() -> None:
        while True:
            await channel.put(0)

    sender = asyncio.ensure_future(send_for_ever())
    await asyncio.sleep(0)
    sender.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sender

    assert channel.dropped == FAIR_SHARE


async def test_nothing_is_put_after_the_end() -> None:
    """A task that its stage left running is told, instead of losing units without a word."""
    channel = make_channel(1)
    channel.close()

    with pytest.raises(PipelineStopped, match="after its stage had ended"):
        await channel.put(1)


async def test_a_stopped_channel_cancels_whoever_waits_or_would_wait() -> None:
    """Also a task that swallowed its cancellation and came back."""
    full, empty = make_channel(1), make_channel(1)
    await full.put(1)
    waiting = [asyncio.ensure_future(full.put(2)), asyncio.ensure_future(empty.arrival())]
    await settle()

    full.stop()
    empty.stop()

    assert all(
        isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*waiting, return_exceptions=True)
    )
    for late in (full.put(3), empty.arrival()):
        with pytest.raises(asyncio.CancelledError):
            await late
