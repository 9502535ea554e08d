"""How hard one remote is asked, in time that somebody else moves."""

from __future__ import annotations

import asyncio

import pytest

from entrepot.download.politeness import Pace, Turnstile
from entrepot.model.remote import Politeness
from unit.download.desk import Waits


class Still(Waits):
    """A clock that moves by sleeping alone."""

    def clock(self) -> float:
        return self._ahead


def turnstile(waits: Waits, **limits: float) -> Turnstile:
    """Make one whose waits are seen."""
    return Turnstile(Politeness(**limits), clock=waits.clock, sleep=waits.sleep)  # type: ignore[arg-type]  # counts are floats here


def test_a_pace_has_no_burst_and_saves_nothing_up() -> None:
    """After a pause the next is free, and the one after it waits as ever."""
    pace = Pace(2)

    assert [pace.take(1, 0.0) for _ in range(3)] == [0.0, 0.5, 1.0]
    assert [pace.take(1, 100.0) for _ in range(2)] == [0.0, 0.5]


async def test_requests_a_second_hold_however_many_ask_at_once() -> None:
    """Each knows its moment when it comes in."""
    waits = Still()
    gate = turnstile(waits, requests_per_second=10)

    for _ in range(5):
        await gate.enter()

    assert waits.clock() == pytest.approx(0.4)


async def test_bytes_a_second_are_waited_for_after_they_came() -> None:
    """What is too little to wait for adds up."""
    waits = Still()
    gate = turnstile(waits, bytes_per_second=1000)

    for _ in range(1000):
        await gate.pay(1)

    assert waits.clock() == pytest.approx(1.0, abs=0.01)
    assert len(waits.slept) <= 250


async def test_no_limit_costs_no_wait() -> None:
    """The usual case."""
    waits = Still()
    gate = turnstile(waits)

    await gate.enter()
    await gate.pay(10**9)

    assert waits.slept == []
    assert not gate.charges


async def test_a_closed_turnstile_opens_by_itself() -> None:
    """Closing again prolongs, never shortens."""
    waits = Still()
    gate = turnstile(waits)
    gate.close_for(10)
    gate.close_for(5)

    await gate.enter()
    await gate.enter()

    assert waits.slept == [10]


async def test_who_is_cancelled_while_waiting_takes_no_room() -> None:
    """In line, or while the turnstile is closed."""
    waits = Waits()
    gate = turnstile(waits, concurrency=1)
    gate.close_for(10)
    waits.sleep_for_ever = True
    closed_out = asyncio.create_task(gate.enter())
    in_line = asyncio.create_task(gate.enter())
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    in_line.cancel()
    closed_out.cancel()
    await asyncio.wait([in_line, closed_out])
    waits.sleep_for_ever = False

    assert gate.inside == 0
    async with asyncio.timeout(1):
        await gate.enter()
    assert gate.inside == 1
