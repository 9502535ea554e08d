"""Virtual time passes when it is told to, and never else."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from entrepot.testing import BadOrigin, depot, sync
from entrepot.testing.clock import Clock
from unit.testing.feed_plugin import Plugin


@pytest.mark.parametrize(
    ("turned", "moment"),
    [
        ({}, "2026-11-01T00:00:00+00:00"),
        ({"days": 29, "hours": 23}, "2026-11-30T23:00:00+00:00"),
        ({"minutes": 1, "seconds": 0.5}, "2026-11-01T00:01:00.500000+00:00"),
        ({"hours": -1}, "2026-10-31T23:00:00+00:00"),
    ],
)
def test_a_clock_is_where_it_was_turned_to(turned: dict[str, float], moment: str) -> None:
    """Forward and back, from the same beginning everywhere, and the same as a number and as a moment."""
    clock = Clock()

    clock.turn(**turned)

    assert clock.moment == datetime.datetime.fromisoformat(moment)
    assert clock() == clock.now == clock.moment.timestamp()


async def test_a_depot_lives_in_virtual_time(tmp_path: Path) -> None:
    """What a sync writes down happened when the clock says, however often it was turned."""
    clock = Clock()
    async with BadOrigin() as origin:
        table = {"type": "feed", "url": origin.put("/feed.txt", b""), "allow_private": True}
        with depot(tmp_path, {"feeds": table}, plugins=[("feed", Plugin())], installed=False, clock=clock) as opened:
            clock.turn(days=400)
            outcome = await sync(opened, "feeds")

    assert outcome.version is not None
    assert outcome.version.completed == clock.moment
