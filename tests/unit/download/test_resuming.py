"""A body that was cut goes on where it ended, when that is certain to be right."""

from __future__ import annotations

import asyncio
import hashlib
import random

import attrs
import pytest

from entrepot.download.errors import Truncated
from entrepot.errors import DigestMismatch
from entrepot.model.artifact import Artifact
from entrepot.testing.bad_replies import Reply
from unit.download.desk import Desk

BODY = random.Random(1).randbytes(1_500_000)
DECLARED = Artifact(sha256=hashlib.sha256(BODY).hexdigest(), size=len(BODY))
GOOD = Reply.file(BODY)
ETAG = GOOD.headers["ETag"]


def cut(at: int, **headers: str) -> Reply:
    """Break off a good reply."""
    return Reply(body=BODY, cut=at, headers={"ETag": ETAG, **headers})


@pytest.mark.fault("A07", "A22")
@pytest.mark.parametrize("at", [1, len(BODY) // 2, len(BODY) - 1])
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("reset", [False, True])
async def test_the_rest_is_asked_for_with_the_validator_of_the_first_part(
    desk: Desk, at: int, framing: str, reset: bool
) -> None:
    """Nothing that came in is sent twice, and the digest holds over both parts."""
    read = asyncio.Event()
    first = attrs.evolve(cut(at), framing=framing, reset=reset, stall=read)  # type: ignore[arg-type]  # a parameter
    desk.origin.on("/file", first, GOOD)

    running = asyncio.create_task(desk.fetch("/file", DECLARED))
    await desk.came_in(at)
    read.set()
    received = await running

    assert received.path.read_bytes() == BODY
    assert desk.origin.count() == 2
    assert desk.origin.requests[1].headers["range"] == f"bytes={at}-"
    assert desk.origin.requests[1].headers["if-range"] == ETAG
    assert desk.downloads.bytes == len(BODY)


async def test_several_parts_make_a_whole(desk: Desk) -> None:
    """Each try goes on after the one before."""
    desk.limits["retries"] = 20
    desk.origin.on("/file", *[Reply(body=BODY, cut=600_000, headers={"ETag": ETAG}, honest=True)] * 15, GOOD)

    received = await desk.fetch("/file", DECLARED)

    assert received.path.read_bytes() == BODY
    assert len({seen.headers.get("range") for seen in desk.origin.requests}) > 2


@pytest.mark.fault("A22")
async def test_an_origin_that_ignores_the_range_sends_all_and_all_is_taken(desk: Desk) -> None:
    """Status 200 means from the start."""
    desk.origin.on("/file", cut(700_000), Reply(body=BODY))

    received = await desk.fetch("/file", DECLARED)

    assert received.path.read_bytes() == BODY


@pytest.mark.fault("A22")
@pytest.mark.parametrize(
    "wrong",
    [
        Reply(status=206, body=BODY[5:], headers={"Content-Range": f"bytes 5-{len(BODY) - 1}/{len(BODY)}"}),
        Reply(status=206, body=BODY[700_000:-1], headers={"Content-Range": f"bytes 700000-1499998/{len(BODY)}"}),
        Reply(status=206, body=BODY[700_000:]),
        Reply(status=206, body=BODY[700_000:], headers={"Content-Range": "bytes nonsense"}),
        Reply(status=416, headers={"Content-Range": "bytes */3"}),
    ],
    ids=["another start", "another end", "no range", "nonsense", "no such range"],
)
async def test_another_part_than_was_asked_for_starts_the_body_anew(desk: Desk, wrong: Reply) -> None:
    """At once, and without a range."""
    read = asyncio.Event()
    desk.origin.on("/file", attrs.evolve(cut(700_000), stall=read), wrong, GOOD)

    running = asyncio.create_task(desk.fetch("/file", DECLARED))
    await desk.came_in(700_000)
    read.set()
    received = await running

    assert received.path.read_bytes() == BODY
    assert "range" in desk.origin.requests[1].headers
    assert "range" not in desk.origin.requests[2].headers
    assert len(desk.retries) == 1


@pytest.mark.fault("A22")
async def test_a_body_that_changed_meanwhile_comes_whole(desk: Desk) -> None:
    """If-Range makes a good server send all of the new body."""
    other = BODY[::-1]
    desk.origin.on("/file", cut(700_000), Reply.file(other))

    received = await desk.fetch("/file", Artifact(size=len(other)))

    assert received.path.read_bytes() == other


@pytest.mark.fault("A22")
async def test_parts_of_two_bodies_never_pass_for_one(desk: Desk) -> None:
    """An origin that lies about its validator is caught by the digest, and asked for all once more."""
    other = Reply(body=bytes(len(BODY)), headers={"ETag": ETAG}, honest=True)
    desk.origin.on("/file", cut(700_000), other)

    with pytest.raises(DigestMismatch):
        await desk.fetch("/file", DECLARED)

    assert "range" not in desk.origin.requests[2].headers
    assert desk.litter == []


@pytest.mark.parametrize(
    ("headers", "declared"),
    [
        ({}, DECLARED),
        ({"ETag": 'W/"weak"'}, DECLARED),
        ({"ETag": ETAG, "Accept-Ranges": "none"}, DECLARED),
        ({"Last-Modified": "Wed, 21 Oct 2026 07:28:00 GMT"}, Artifact(size=len(BODY))),
    ],
    ids=["no validator", "weak validator", "no ranges", "a date without a digest"],
)
async def test_what_cannot_be_resumed_safely_is_asked_for_whole(
    desk: Desk, headers: dict[str, str], declared: Artifact
) -> None:
    """A second resolution, or a weak validator, cannot tell two bodies apart."""
    desk.origin.on("/file", Reply(body=BODY, cut=700_000, headers=headers), Reply(body=BODY, headers=headers))

    received = await desk.fetch("/file", declared)

    assert received.path.read_bytes() == BODY
    assert "range" not in desk.origin.requests[1].headers


async def test_a_date_will_do_when_a_digest_decides(desk: Desk) -> None:
    """Last-Modified takes the place of a missing ETag."""
    date, read = "Wed, 21 Oct 2026 07:28:00 GMT", asyncio.Event()
    rest = {"Content-Range": f"bytes 700000-{len(BODY) - 1}/{len(BODY)}"}
    desk.origin.on(
        "/file",
        Reply(body=BODY, cut=700_000, headers={"Last-Modified": date}, stall=read),
        Reply(status=206, body=BODY[700_000:], headers=rest),
    )

    running = asyncio.create_task(desk.fetch("/file", DECLARED))
    await desk.came_in(700_000)
    read.set()
    received = await running

    assert received.path.read_bytes() == BODY
    assert desk.origin.requests[1].headers["if-range"] == date


async def test_another_url_is_not_asked_for_the_rest(desk: Desk) -> None:
    """Two mirrors' ETags mean nothing to each other."""
    desk.origin.on("/one", cut(700_000))
    desk.origin.put("/two", BODY)

    received = await desk.fetch(["/one", "/two"], DECLARED)

    assert received.path.read_bytes() == BODY
    assert "range" not in desk.origin.requests[1].headers


@pytest.mark.fault("A07")
@pytest.mark.promise("P25")
async def test_a_body_that_is_cut_every_time_is_given_up_on(desk: Desk) -> None:
    """Progress does not buy endless tries."""
    desk.origin.on("/file", Reply(body=BODY, cut=10))

    with pytest.raises(Truncated):
        await desk.fetch("/file", DECLARED)

    assert desk.origin.count() == 3
    assert desk.litter == []
