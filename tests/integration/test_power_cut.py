"""The power goes at any moment of a sync: what was acknowledged is there, and nothing is wrong."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest

from entrepot.testing.bad_origin import BadOrigin
from integration.forked import zygote
from integration.loop_disk import require_mounts, workplace
from integration.power_cut import PowerCuts, format_disks
from integration.upstream import FirmwareUpstream
from seeds import seeded

pytestmark = [pytest.mark.power, pytest.mark.fault("C04"), pytest.mark.promise("P03", "P04", "P05", "P08")]

#: Syncs within which a planted mistake must be found.
PATIENCE = 6


@asynccontextmanager
async def power_cuts(origin: BadOrigin, disks: int, planted: str | None = None) -> AsyncIterator[PowerCuts]:
    """Disks, mounted, and whoever syncs on them; all is let go of at the end."""
    with workplace() as folder, ExitStack() as mounts:
        require_mounts(folder)
        made = format_disks(folder, disks)
        made.mount(mounts)
        async with zygote() as forking:
            yield PowerCuts(made, FirmwareUpstream(origin), forking, seeded(11), planted)


@pytest.mark.parametrize("disks", [1, 2], ids=["one disk", "catalog and storage apart"])
async def test_a_power_cut_at_any_moment_of_a_sync_loses_nothing_that_was_acknowledged(
    origin: BadOrigin, disks: int
) -> None:
    """Rows that were committed, their files, versions that were made: there; and the next sync works.

    Twenty images or more on each kind of disk, all of a sync that runs, plus one after each end.
    """
    async with power_cuts(origin, disks) as cuts:
        while cuts.images < 20:
            await cuts.sync()

    assert cuts.problems == []


@pytest.mark.parametrize(
    ("planted", "loss"),
    [
        ("folder sync removed", "artifacts that have a row have no file"),
        ("file sync removed", "wrong bytes under a final name"),
        ("synchronous=NORMAL", "artifacts whose rows were committed have no row"),
    ],
)
async def test_the_power_cut_finds_a_planted_mistake(origin: BadOrigin, planted: str, loss: str) -> None:
    """Each of the three syncs that durability rests on is missed when it is not there."""
    async with power_cuts(origin, 2, planted) as cuts:
        for _ in range(PATIENCE):
            await cuts.sync()
            if cuts.problems:
                break

    sys.stdout.write("\n".join([f"with {planted}:", *cuts.problems, ""]))
    assert any(loss in problem for problem in cuts.problems)
