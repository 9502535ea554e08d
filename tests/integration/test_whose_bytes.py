"""Bytes lie in storage once; who may have them, and as what, is another matter."""

from __future__ import annotations

import pytest

from entrepot.catalog.catalog import RunRequest
from entrepot.depot import Depot
from entrepot.errors import Failed
from entrepot.model.artifact import Artifact
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from integration.opening import OpenDepot
from integration.upstream import FirmwareUpstream

SECRET = b"what only one repository could get"


async def died(depot: Depot, name: str) -> None:
    """Leave a run as a killed process leaves it."""
    ledger = await depot.catalog.begin(
        RunRequest(repository=name, type="firmware", private=False, mirror=False, plan_fingerprint="")
    )
    ledger.close()  # type: ignore[attr-defined]  # how a depot that is closed gives a run up


def two_upstreams(origin: BadOrigin) -> tuple[FirmwareUpstream, FirmwareUpstream]:
    """Both list the same image; the second cannot give it."""
    owner, other = FirmwareUpstream(origin, "/owner"), FirmwareUpstream(origin, "/other")
    for upstream in (owner, other):
        upstream.add("image", SECRET)
        upstream.publish()
    origin.on("/other/image.bin", Reply(status=404))
    return owner, other


@pytest.mark.promise("P35")
async def test_after_a_crash_nobody_adopts_what_a_private_repository_obtained(
    open_depot: OpenDepot, origin: BadOrigin
) -> None:
    """Naming the digest of bytes is not obtaining them, also when a run has died."""
    owner, other = two_upstreams(origin)
    tables = {
        "owner": {"type": "firmware", "url": owner.url, "private": True},
        "other": {"type": "firmware", "url": other.url},
    }
    with open_depot(tables) as depot:
        await sync(depot, "owner")
        await died(depot, "other")

        with pytest.raises(Failed, match="404"):
            await sync(depot, "other")

        assert depot.catalog.reader.versions("other") == []


@pytest.mark.promise("P05")
async def test_after_a_crash_bytes_that_nobody_knows_are_adopted(open_depot: OpenDepot, origin: BadOrigin) -> None:
    """What stood under its final name before the rows were committed is not asked for again."""
    _, other = two_upstreams(origin)
    with open_depot({"other": {"type": "firmware", "url": other.url}}) as depot:
        incoming = depot.storage.receive(Artifact())
        incoming.write(SECRET)
        depot.storage.keep([incoming.finish()])
        await died(depot, "other")

        outcome = await sync(depot, "other")

        assert (outcome.added, outcome.downloaded) == (1, 0)


@pytest.mark.promise("P11")
async def test_known_bytes_do_not_excuse_a_wrong_size(open_depot: OpenDepot, origin: BadOrigin) -> None:
    """A declared size is held to the byte, also of bytes that another repository brought in."""
    owner, _ = two_upstreams(origin)
    liar = FirmwareUpstream(origin, "/liar")
    liar.add("image", SECRET, size=3)
    liar.publish()
    tables = {"owner": {"type": "firmware", "url": owner.url}, "liar": {"type": "firmware", "url": liar.url}}
    with open_depot(tables) as depot:
        await sync(depot, "owner")

        with pytest.raises(Failed, match="3 were declared"):
            await sync(depot, "liar")
