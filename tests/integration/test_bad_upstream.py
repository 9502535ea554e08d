"""Upstreams that fail, lie or contradict themselves: a clear error, and nothing is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from entrepot.depot import Depot
from entrepot.errors import EntrepotError, RepositoryBusy
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from integration.opening import OpenDepot
from integration.upstream import FirmwareUpstream

IMAGE = b"firmware " * 500


@attrs.frozen
class Fault:
    """What one image's URL answers, and what the error must say and end with."""

    name: str
    replies: tuple[Reply, ...]
    says: str
    exit_code: int


FAULTS = [
    Fault("wrong bytes", (Reply(body=b"FIRMWARE " * 500),), "sha256 is", 4),
    Fault("a short body", (Reply(body=IMAGE[:-1]),), "size is 4499 bytes, 4500 were declared", 4),
    Fault("a long body", (Reply(body=IMAGE + b"!"),), "4500 were declared", 4),
    Fault("an empty body", (Reply(body=b""),), "4500 were declared", 4),
    Fault("a body cut short", (Reply(body=IMAGE, cut=1000),), "", 3),
    Fault("a connection that is reset", (Reply(body=IMAGE, cut=1000, reset=True),), "", 3),
    Fault("404", (Reply(status=404),), "404", 3),
    Fault("500 for ever", (Reply(status=500),), "500", 3),
    Fault("a redirect loop", (Reply.redirect("/fw/bad.bin"),), "redirect", 3),
    Fault("a trickle", (Reply(body=IMAGE, trickle=0.3, piece=1),), "", 3),
]

HEALS = [
    Fault("500 that heals", (Reply(status=500), Reply(body=IMAGE)), "", 0),
    Fault("429 with Retry-After", (Reply(status=429, headers={"Retry-After": "0"}), Reply(body=IMAGE)), "", 0),
    Fault("a reset that passes", (Reply(body=IMAGE, cut=100, reset=True), Reply.file(IMAGE)), "", 0),
    Fault("wrong bytes once", (Reply(body=b"x" * 4500), Reply(body=IMAGE)), "", 0),
]


def configured(upstream: FirmwareUpstream, **changes: Any) -> dict[str, Any]:
    quick = {"retries": 1, "min_throughput": 1000, "throughput_window": 0.5, "connect_timeout": 2, "header_timeout": 2}
    return {"fw": {"type": "firmware", "url": upstream.url, **quick, **changes}}


@pytest.fixture
def upstream(origin: BadOrigin) -> FirmwareUpstream:
    """Five good images, in version 1 already; the sixth is the bad one."""
    made = FirmwareUpstream(origin)
    for number in range(5):
        made.add(f"good-{number}", bytes([number]) * 1000)
    made.publish()
    return made


def add_the_bad_one(upstream: FirmwareUpstream, fault: Fault) -> None:
    upstream.add("bad", IMAGE)
    for number in range(3):
        upstream.add(f"new-{number}", bytes([100 + number]) * 1000)
    upstream.publish()
    upstream.origin.on("/fw/bad.bin", *fault.replies)


def versions(depot: Depot) -> list[int]:
    return [row.number for row in depot.catalog.reader.versions("fw")]


@pytest.mark.fault("A07", "A09", "A10", "A12")
@pytest.mark.promise("P05", "P06", "P25")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_bad_file_makes_no_version_and_loses_nothing(
    open_depot: OpenDepot, upstream: FirmwareUpstream, fault: Fault
) -> None:
    """The error names unit and cause, version 1 stays, and the next sync asks only for what lacks."""
    with open_depot(configured(upstream)) as depot:
        await sync(depot, "fw")
        add_the_bad_one(upstream, fault)

        with pytest.raises(EntrepotError) as caught:
            await sync(depot, "fw")

        assert "firmware.image" in caught.value.what
        assert fault.says in caught.value.what
        assert "/fw/bad.bin" in str(caught.value)
        assert caught.value.remedy
        assert getattr(caught.value, "code", caught.value.exit_code) == fault.exit_code
        assert versions(depot) == [1]
        assert depot.catalog.reader.last_run("fw").outcome == "failed"  # type: ignore[union-attr]  # there was one

        before = len(upstream.origin.requests)
        upstream.origin.on("/fw/bad.bin", Reply(body=IMAGE))
        outcome = await sync(depot, "fw")

        assert outcome.added == 4
        assert {request.path for request in upstream.origin.requests[before:]} == {"/fw/feed.json", "/fw/bad.bin"}


@pytest.mark.fault("A03", "A10")
@pytest.mark.promise("P25")
@pytest.mark.parametrize("fault", HEALS, ids=lambda fault: fault.name)
async def test_what_passes_is_tried_again(open_depot: OpenDepot, upstream: FirmwareUpstream, fault: Fault) -> None:
    """A fault that heals within the tries costs a wait and nothing else."""
    with open_depot(configured(upstream, retries=3)) as depot:
        await sync(depot, "fw")
        add_the_bad_one(upstream, fault)

        outcome = await sync(depot, "fw")

        assert (outcome.added, outcome.failed) == (4, 0)


@pytest.mark.parametrize("on_error", ["skip", "keep"])
async def test_one_bad_file_need_not_undo_the_rest(
    open_depot: OpenDepot, upstream: FirmwareUpstream, on_error: str
) -> None:
    """With `skip` or `keep` the version has the good ones, the report the bad one, and the exit code says so."""
    with open_depot(configured(upstream, on_error=on_error)) as depot:
        await sync(depot, "fw")
        add_the_bad_one(upstream, FAULTS[0])

        outcome = await sync(depot, "fw")

        assert (outcome.added, outcome.failed, outcome.exit_code) == (3, 1, 1)
        run = depot.catalog.reader.last_run("fw")
        assert run is not None
        (failure,) = depot.catalog.reader.failures("fw", run.id)
        assert "sha256 is" in failure.error
        assert failure.url == upstream.origin.url("/fw/bad.bin")
        assert failure.stage == "ArtifactDownloader"


@pytest.mark.parametrize(("on_error", "left"), [("skip", False), ("keep", True)])
async def test_the_predecessor_of_a_bad_file_is_kept_when_asked_for(
    open_depot: OpenDepot, upstream: FirmwareUpstream, on_error: str, left: bool
) -> None:
    """While mirroring, `keep` holds on to what was there under the key; `skip` lets it go."""
    with open_depot(configured(upstream, on_error=on_error, mirror=True)) as depot:
        await sync(depot, "fw")
        upstream.add("good-0", b"another body")
        upstream.publish()
        upstream.origin.on("/fw/good-0.bin", Reply(body=b"not that body"))

        outcome = await sync(depot, "fw")

        assert outcome.failed == 1
        latest = depot.catalog.reader.version("fw").number
        keys = {row.key for row in depot.catalog.reader.members("fw", latest)}
        assert ('["firmware.image","good-0"]' in keys) is left


@pytest.mark.fault("B01", "B07", "B13")
@pytest.mark.promise("P06")
@pytest.mark.parametrize(
    ("says", "complaint"),
    [
        ({"sha256": "abc"}, "is not a sha256 digest"),
        ({"size": -1}, "is not a size"),
        ({"file": "../good-0.bin"}, "leaves its root"),
        ({"file": "/etc/passwd"}, "is absolute"),
    ],
)
async def test_bad_metadata_ends_the_sync_with_what_and_where(
    open_depot: OpenDepot, upstream: FirmwareUpstream, says: dict[str, Any], complaint: str
) -> None:
    """What cannot be declared is told with the first stage's name; the version before stays."""
    with open_depot(configured(upstream)) as depot:
        await sync(depot, "fw")
        upstream.says["good-0"] = says
        upstream.publish()

        with pytest.raises(EntrepotError, match=complaint) as caught:
            await sync(depot, "fw")

        assert "FirmwareList" in caught.value.where
        assert caught.value.exit_code == 3
        assert versions(depot) == [1]


@pytest.mark.fault("B04")
async def test_one_key_declared_with_two_statements_fails_the_second(
    open_depot: OpenDepot, upstream: FirmwareUpstream
) -> None:
    """An upstream that contradicts itself is told so; which to believe is not guessed."""
    with open_depot(configured(upstream)) as depot:
        upstream.add("other", b"other")
        upstream.says["other"] = {"name": "good-0"}
        upstream.publish()

        with pytest.raises(EntrepotError, match="twice, with different statements"):
            await sync(depot, "fw")

        assert versions(depot) == []


@pytest.mark.fault("A13")
@pytest.mark.promise("P30")
async def test_credentials_do_not_travel_to_another_host(open_depot: OpenDepot, upstream: FirmwareUpstream) -> None:
    """A redirect leads elsewhere; what was meant for the first host is not told to the second."""
    async with BadOrigin() as elsewhere:
        upstream.add("moved", IMAGE)
        upstream.publish()
        upstream.origin.on("/fw/moved.bin", Reply.redirect(elsewhere.put("/moved.bin", IMAGE)))
        secrets = {"username": "me", "headers": {"X-Api-Key": "canary-5e1f"}, "allow_private": True}
        with open_depot(configured(upstream, **secrets)) as depot:
            outcome = await sync(depot, "fw")

        assert outcome.added == 6
        assert upstream.origin.requests[0].headers["x-api-key"] == "canary-5e1f"
        assert all("canary" not in str(request.headers) for request in elsewhere.requests)
        assert all("authorization" not in request.headers for request in elsewhere.requests)


@pytest.mark.fault("D01")
@pytest.mark.promise("P17")
async def test_a_second_sync_of_the_same_repository_is_refused_at_once(
    open_depot: OpenDepot, upstream: FirmwareUpstream
) -> None:
    """While one runs, another is told who holds the repository; the first is not disturbed."""
    gate = asyncio.Event()
    upstream.add("slow", IMAGE)
    upstream.publish()
    upstream.origin.on("/fw/slow.bin", Reply(body=IMAGE, gate=gate))
    with open_depot(configured(upstream, header_timeout=60)) as depot:
        first = asyncio.create_task(sync(depot, "fw"))
        await upstream.origin.arrived(2)

        with pytest.raises(RepositoryBusy, match="fw"):
            await sync(depot, "fw")

        gate.set()
        assert (await first).added == 6


@pytest.mark.fault("D08")
@pytest.mark.promise("P06", "P23")
async def test_a_cancelled_sync_leaves_the_version_before_and_no_litter(
    open_depot: OpenDepot, upstream: FirmwareUpstream
) -> None:
    """Cancelling equals failing before the commit; the repository is free again at once."""
    gate = asyncio.Event()
    with open_depot(configured(upstream, header_timeout=60)) as depot:
        await sync(depot, "fw")
        upstream.add("slow", IMAGE)
        upstream.publish()
        upstream.origin.on("/fw/slow.bin", Reply(body=IMAGE, gate=gate))
        seen = len(upstream.origin.requests)
        running = asyncio.create_task(sync(depot, "fw"))
        await upstream.origin.arrived(seen + 2)

        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        assert versions(depot) == [1]
        assert depot.catalog.reader.last_run("fw").outcome == "cancelled"  # type: ignore[union-attr]  # there was one
        gate.set()
        upstream.origin.on("/fw/slow.bin", Reply(body=IMAGE))
        assert (await sync(depot, "fw")).added == 1
