"""Downloads are tried, retried within bounds, verified and counted."""

from __future__ import annotations

import asyncio
import hashlib
import random

import pytest

from entrepot.download.errors import (
    Absent,
    AccessDenied,
    DownloadError,
    TooSlow,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
    UnusableUrl,
)
from entrepot.errors import DigestMismatch, NotFound, SizeMismatch
from entrepot.model.artifact import Artifact
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply, Seen
from unit.download.desk import Desk

BODY = b"the bytes of a package, as they were declared\n"
DECLARED = Artifact(sha256=hashlib.sha256(BODY).hexdigest(), size=len(BODY))


async def test_metadata_comes_with_path_size_digests_headers_and_validator(desk: Desk) -> None:
    """A first stage reads the file at `path`; the rest tells it what it may skip next time."""
    url = desk.origin.put("/feed.json", BODY)

    result = await desk.get("/feed.json")

    assert result.path.read_bytes() == BODY
    assert (result.url, result.size, result.not_modified) == (url, len(BODY), False)
    assert result.digests == {"sha256": DECLARED.sha256}
    assert result.headers["content-length"] == str(len(BODY))
    assert result.validator is not None
    assert result.validator.etag is not None


async def test_an_unchanged_resource_is_not_sent_again(desk: Desk) -> None:
    """A request with an earlier validator may bring no bytes at all."""
    desk.origin.put("/feed.json", BODY)
    first = await desk.get("/feed.json")

    again = await desk.get("/feed.json", validator=first.validator)
    desk.origin.put("/feed.json", b"changed")
    changed = await desk.get("/feed.json", validator=first.validator)

    assert (again.not_modified, again.size, again.path.read_bytes()) == (True, 0, b"")
    assert again.validator == first.validator
    assert (changed.not_modified, changed.path.read_bytes()) == (False, b"changed")


@pytest.mark.fault("A01")
@pytest.mark.promise("P25")
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_an_upstream_that_heals_is_asked_again(desk: Desk, status: int) -> None:
    """Each retry is told, with its reason, and waits longer than the one before at most."""
    desk.origin.on("/file", Reply(status=status), Reply(status=status), Reply(body=BODY))

    received = await desk.fetch("/file", DECLARED)

    assert received.path.read_bytes() == BODY
    assert desk.origin.count() == 3
    assert [(retry.attempt, str(status) in retry.reason) for retry in desk.retries] == [(2, True), (3, True)]
    assert 0 <= desk.waits.slept[0] <= 0.5
    assert 0 <= desk.waits.slept[1] <= 1.0


@pytest.mark.fault("A01")
@pytest.mark.promise("P06", "P25")
async def test_an_upstream_that_stays_broken_is_given_up_on(desk: Desk) -> None:
    """Tries are bounded, the error names the URL, and nothing is left behind."""
    desk.origin.on("/file", Reply(status=500))

    with pytest.raises(Unavailable) as caught:
        await desk.fetch("/file", DECLARED)

    assert desk.origin.count() == 3
    assert caught.value.status == 500
    assert desk.origin.url("/file") in str(caught.value)
    assert caught.value.exit_code == 3
    assert desk.litter == []


@pytest.mark.parametrize("status", [404, 410])
async def test_what_is_not_there_is_not_asked_for_again(desk: Desk, status: int) -> None:
    """Absence is an answer, not trouble."""
    desk.origin.on("/file", Reply(status=status, body=b"sorry"))

    with pytest.raises(Absent) as caught:
        await desk.get("/file")

    assert isinstance(caught.value, NotFound)
    assert desk.origin.count() == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_who_is_denied_is_told_which_settings_to_look_at(desk: Desk, status: int) -> None:
    """Credentials do not get better by repeating them."""
    desk.origin.on("/file", Reply(status=status))

    with pytest.raises(AccessDenied) as caught:
        await desk.get("/file")

    assert "password" in caught.value.remedy
    assert desk.origin.count() == 1


@pytest.mark.fault("A03")
@pytest.mark.promise("P25")
@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("2", 2, 3), ("1000000000", 300, 301), ("-1", 0, 1), ("Wed, 21 Oct 1999 07:28:00 GMT", 0, 1), ("soon", 0, 1)],
)
async def test_retry_after_is_honoured_up_to_a_bound_and_nonsense_is_ignored(
    desk: Desk, header: str, least: float, most: float
) -> None:
    """An upstream may say when to come back, but not hold us for ever."""
    headers = {"Retry-After": header, "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}
    desk.origin.on("/file", Reply(status=429, headers=headers), Reply(body=BODY))

    await desk.fetch("/file", DECLARED)

    assert least <= sum(desk.waits.slept) <= most


async def test_too_many_requests_holds_back_the_other_requests_of_the_remote(desk: Desk) -> None:
    """Who is asked to slow down does so as a whole."""
    desk.origin.on("/busy", Reply(status=429, headers={"Retry-After": "40"}))
    desk.origin.put("/other", BODY)
    desk.limits["retries"] = 0
    with pytest.raises(Unavailable):
        await desk.get("/busy")

    await desk.get("/other")

    assert desk.waits.slept == [pytest.approx(40, abs=1)]


@pytest.mark.fault("A10")
async def test_wrong_bytes_are_asked_for_once_again_from_the_start(desk: Desk) -> None:
    """A damaged transfer is forgiven once; no wait is due for it."""
    desk.origin.on("/file", Reply(body=BODY.upper()), Reply(body=BODY))

    received = await desk.fetch("/file", DECLARED)

    assert received.path.read_bytes() == BODY
    assert desk.waits.slept == []
    assert "range" not in desk.origin.requests[1].headers


@pytest.mark.fault("A10")
@pytest.mark.promise("P25")
async def test_bytes_that_stay_wrong_are_an_integrity_error_and_are_not_kept(desk: Desk) -> None:
    """The exit code says that it is not mere bad luck."""
    desk.origin.on("/file", Reply(body=BODY.upper()))

    with pytest.raises(DigestMismatch) as caught:
        await desk.fetch("/file", DECLARED)

    assert desk.origin.count() == 2
    assert caught.value.expected == DECLARED.sha256
    assert caught.value.where == desk.origin.url("/file")
    assert caught.value.exit_code == 4
    assert desk.litter == []


@pytest.mark.fault("A09")
@pytest.mark.promise("P11")
@pytest.mark.parametrize(("body", "size"), [(BODY + b"!", len(BODY)), (BODY[:-1], len(BODY)), (b"12345", 0), (b"", 5)])
async def test_a_body_of_another_size_is_refused_and_both_sizes_are_named(desk: Desk, body: bytes, size: int) -> None:
    """Declared sizes hold to the byte, zero included."""
    desk.origin.on("/file", Reply(body=body))

    with pytest.raises(SizeMismatch) as caught:
        await desk.fetch("/file", Artifact(size=size))

    assert (caught.value.expected, caught.value.actual) == (size, len(body))
    assert f"{len(body)} bytes" in str(caught.value)
    assert str(size) in caught.value.what
    assert desk.litter == []


@pytest.mark.fault("A09")
async def test_an_empty_artifact_is_a_good_one_when_it_is_declared_so(desk: Desk) -> None:
    """Zero bytes are bytes."""
    desk.origin.put("/empty", b"")

    received = await desk.fetch("/empty", Artifact(size=0, sha256=hashlib.sha256(b"").hexdigest()))

    assert received.size == 0
    assert received.path.read_bytes() == b""


async def test_urls_are_tried_in_turn_without_waiting_while_one_is_left(desk: Desk) -> None:
    """A mirror that is down costs nothing while another stands."""
    desk.origin.on("/down", Reply(status=503))
    desk.origin.on("/wrong", Reply(body=BODY.upper()))
    desk.origin.put("/good", BODY)

    received = await desk.fetch(["/gone", "/down", "/wrong", "/good"], DECLARED)

    assert received.path.read_bytes() == BODY
    assert [seen.path for seen in desk.origin.requests] == ["/gone", "/down", "/wrong", "/wrong", "/good"]
    assert desk.waits.slept == []


async def test_when_all_urls_fail_wrong_bytes_are_the_news(desk: Desk) -> None:
    """A later 404 must not hide that somebody serves other bytes."""
    desk.origin.on("/wrong", Reply(body=BODY.upper()))

    with pytest.raises(DigestMismatch):
        await desk.fetch(["/wrong", "/gone"], DECLARED)


@pytest.mark.fault("A04")
@pytest.mark.promise("P25")
async def test_nobody_listening_is_unreachable_within_bounds(desk: Desk) -> None:
    """A closed port is retried a little, then given up on, in words of ours."""
    async with BadOrigin() as closed:
        url = closed.url("/file")
        remote_url = closed.url("/")
    desk.access = type(desk.access)(allow_private=True)

    with pytest.raises(Unreachable) as caught:
        await desk.get(url)

    assert "connection refused" in caught.value.what
    assert len(desk.retries) == 2
    assert sum(desk.waits.slept) < 30
    assert remote_url in str(caught.value)


@pytest.mark.fault("B14")
@pytest.mark.promise("P31")
async def test_a_scheme_that_nobody_fetches_names_those_that_somebody_does(desk: Desk) -> None:
    """Upstreams may list anything."""
    with pytest.raises(UnusableUrl) as caught:
        await desk.get("ftp://mirror.example/file")

    assert "file, http, https" in caught.value.remedy


@pytest.mark.fault("B14")
@pytest.mark.promise("P29", "P31")
async def test_an_upstream_on_the_network_cannot_name_files_of_this_machine(desk: Desk) -> None:
    """Else a manifest could bring /etc/passwd into a mirror."""
    with pytest.raises(UnusableUrl) as caught:
        await desk.fetch("file:///etc/passwd", Artifact())

    assert "this machine" in caught.value.what


@pytest.mark.fault("A03")
@pytest.mark.promise("P25", "P26")
async def test_total_timeout_holds_over_all_tries(desk: Desk) -> None:
    """A wait that would end after the deadline is not begun."""
    desk.limits.update(retries=50, total_timeout=3.0)
    desk.origin.on("/file", Reply(status=503, headers={"Retry-After": "1"}))

    with pytest.raises(Unavailable):
        await desk.get("/file")

    assert 1 <= sum(desk.waits.slept) <= 3


@pytest.mark.fault("A06")
@pytest.mark.promise("P26")
async def test_a_transfer_is_ended_when_total_timeout_is_over(desk: Desk) -> None:
    """However well it still runs."""
    desk.limits.update(retries=0, total_timeout=0.1)
    desk.origin.on("/file", Reply(body=bytes(100_000), trickle=0.01, piece=100))

    with pytest.raises(TooSlow, match="total_timeout"):
        await desk.get("/file")


@pytest.mark.fault("A11")
@pytest.mark.promise("P25")
async def test_random_resets_cost_few_requests_and_no_file(desk: Desk, dice: random.Random) -> None:
    """One reply in ten is a reset; every file comes in whole all the same."""
    desk.limits["retries"] = 4
    files = {f"/{number}": dice.randbytes(3000) for number in range(200)}

    def reply(request: Seen) -> Reply:
        body = files[request.path]
        return Reply(body=body, cut=1500, reset=True) if dice.random() < 0.1 else Reply(body=body)

    desk.origin.on("/*", reply)
    async with asyncio.TaskGroup() as group:
        tasks = {
            path: group.create_task(desk.fetch(path, Artifact(sha256=hashlib.sha256(body).hexdigest(), size=3000)))
            for path, body in files.items()
        }

    assert all(task.result().path.read_bytes() == files[path] for path, task in tasks.items())
    assert desk.origin.count() < 200 * 1.25
    assert desk.downloads.files == 200


async def test_files_and_bytes_are_counted_as_they_come(desk: Desk) -> None:
    """Progress is read from two counters; bytes of failed tries did come over the wire."""
    desk.origin.on("/file", Reply(body=BODY.upper()), Reply(body=BODY))

    await desk.fetch("/file", DECLARED)

    assert desk.downloads.files == 1
    assert desk.downloads.bytes == 2 * len(BODY)


async def test_at_most_so_many_requests_run_at_once(desk: Desk) -> None:
    """`concurrency` holds for all requests of one remote together."""
    desk.limits["concurrency"] = 3
    gate = asyncio.Event()
    desk.origin.on("/*", Reply(body=BODY, gate=gate))

    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(desk.fetch(f"/{number}", DECLARED))
        await desk.origin.arrived(3)
        gate.set()

    assert desk.origin.most_in_flight == 3
    assert desk.origin.count() == 10


async def test_equal_remotes_share_connections(desk: Desk) -> None:
    """A remote is a value; asking through a copy of it opens nothing anew."""
    desk.origin.put("/file", BODY)

    for _ in range(20):
        await desk.fetch("/file", DECLARED)

    assert desk.origin.connections == 1


async def test_no_url_at_all_is_an_error_of_its_own(desk: Desk) -> None:
    """Whoever declared the artifact forgot something."""
    with pytest.raises(UnusableUrl, match="no URL"):
        await desk.fetch([], DECLARED)


CANCELLED_AT = {
    "before-the-head": Reply(gate=asyncio.Event()),
    "within-the-head": Reply(raw=b"HTTP/1.1 200 OK\r\nContent-", stall=True),
    "within-a-small-body": Reply(body=BODY, cut=5, stall=True),
    "within-a-large-body": Reply(body=bytes(2_000_000), cut=1_500_000, stall=True),
    "between-tries": Reply(status=503),
}


@pytest.mark.fault("D08")
@pytest.mark.promise("P23")
@pytest.mark.parametrize("moment", CANCELLED_AT)
async def test_cancelling_gives_everything_back(desk: Desk, moment: str) -> None:
    """Bytes are discarded, the connection is dropped, and the next request gets its turn."""
    desk.limits["concurrency"] = 1
    desk.origin.on("/file", CANCELLED_AT[moment])
    desk.origin.put("/good", BODY)
    desk.waits.sleep_for_ever = moment == "between-tries"

    running = asyncio.create_task(desk.fetch("/file", Artifact()))
    in_line = asyncio.create_task(desk.fetch("/good", DECLARED))
    await desk.origin.arrived(1)
    await desk.came_in(1_500_000 if moment == "within-a-large-body" else 0)
    for task in (in_line, running):
        task.cancel()
    await asyncio.wait([in_line, running])
    if not in_line.cancelled():
        in_line.result().discard()  # between tries there is room for others

    assert running.cancelled()
    assert desk.litter == []
    async with asyncio.timeout(5):
        assert (await desk.fetch("/good", DECLARED)).size == len(BODY)


async def test_errors_of_downloads_are_all_of_one_kind(desk: Desk) -> None:
    """A stage catches one class for all that an upstream can do wrong with a request."""
    desk.origin.on("/file", Reply(status=204))

    with pytest.raises(DownloadError) as caught:
        await desk.get("/file")

    assert isinstance(caught.value, UnexpectedAnswer)
