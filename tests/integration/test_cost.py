"""What a sync costs in things that no machine makes faster: database calls, requests, files."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
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
