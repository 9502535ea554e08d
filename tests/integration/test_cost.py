"""What a sync costs in things that no machine makes faster: database calls, requests, files."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.operations.sync import sync
from entrepot.plugin import Edit, Stage, after, hookimpl
from entrepot.testing.bad_origin import BadOrigin
from integration import firmware
from integration.opening import OpenDepot
from integration.upstream import FirmwareUpstream

UNITS = 3000
BATCHES = 3

#: Calls of a run that do not grow with it: lease, seal, publication, release.
FIXED = 60


@pytest.fixture
def upstream(origin: BadOrigin) -> FirmwareUpstream:
    """Three thousand images that differ."""
    made = FirmwareUpstream(origin)
    for number in range(UNITS):
        made.add(f"image-{number}", number.to_bytes(4))
    made.publish()
    return made


def configured(upstream: FirmwareUpstream, **changes: Any) -> dict[str, Any]:
    return {"fw": {"type": "firmware", "url": upstream.url, "policy": "on_demand", "mirror": True, **changes}}


async def test_a_batch_is_a_handful_of_database_calls(open_depot: OpenDepot, upstream: FirmwareUpstream) -> None:
    """At most sixteen for a batch of a thousand units, over all stages; fewer when nothing changed."""
    with open_depot(configured(upstream)) as depot:
        counted = depot.catalog.statements
        before = counted.calls
        await sync(depot, "fw")
        first = counted.calls - before
        await sync(depot, "fw")
        again = counted.calls - before - first

    assert first <= 16 * BATCHES + FIXED
    assert again <= 10 * BATCHES + FIXED
    assert again < first


@pytest.mark.promise("P07")
async def test_an_unchanged_upstream_costs_one_request(open_depot: OpenDepot, upstream: FirmwareUpstream) -> None:
    """The feed, and nothing else."""
    with open_depot(configured(upstream)) as depot:
        await sync(depot, "fw")
        before = len(upstream.origin.requests)

        await sync(depot, "fw")

        assert [request.path for request in upstream.origin.requests[before:]] == ["/fw/feed.json"]


class RefusesAThousand(Stage):
    """Leaves out a thousand units, and what was there before of them."""

    async def run(self) -> None:
        left = 1000
        async for unit in self.items():
            if left:
                left -= 1
                await self.refuse(unit, "thousand", "one of the first thousand", evict=True)
            else:
                await self.put(unit)


class ThousandPlugin:
    """Puts the stage behind the first one."""

    @hookimpl
    def entrepot_edit_plan(self, plan: Any) -> list[Edit]:
        return [after(plan.steps[0].name, RefusesAThousand())]


async def test_a_thousand_refusals_are_a_handful_of_database_calls(
    open_depot: OpenDepot, upstream: FirmwareUpstream
) -> None:
    """They are written some hundred at a time, each is on record once, and nothing is left of what they name."""
    configuration = configured(upstream)
    with open_depot(configuration) as depot:
        await sync(depot, "fw")
    with open_depot(configuration, plugins=[("firmware", firmware), ("thousand", ThousandPlugin())]) as depot:
        counted = depot.catalog.statements
        before = counted.calls

        outcome = await sync(depot, "fw")

        assert counted.calls - before <= 10 * BATCHES + FIXED
        assert (outcome.refused, outcome.removed) == (1000, 1000)
        rows = depot.catalog.reader.refusals("fw", 2)
        assert len(rows) == len({row.key for row in rows}) == 1000
