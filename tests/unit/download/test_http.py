"""Over http: what is taken for a whole body, and what ends a transfer."""

from __future__ import annotations

import gzip
import hashlib

import pytest

from entrepot.download.errors import (
    DownloadError,
    TooLarge,
    TooSlow,
    Truncated,
    UnexpectedAnswer,
    UnusableUrl,
)
from entrepot.errors import SizeMismatch
from entrepot.model.artifact import Artifact
from entrepot.testing.bad_replies import Reply
from unit.download.desk import Desk

BODY = b"the bytes of a package, as they were declared\n"
DECLARED = Artifact(sha256=hashlib.sha256(BODY).hexdigest(), size=len(BODY))


@pytest.mark.fault("A27")
@pytest.mark.parametrize("status", [201, 202, 203, 204, 205, 206, 300, 304, 400, 418, 999])
async def test_only_a_whole_body_that_was_asked_for_is_one(desk: Desk, status: int) -> None:
    """An unasked part, nothing new, no content: none of them makes an empty or a short file."""
    desk.limits["retries"] = 0
    desk.origin.on("/file", Reply(status=status, body=BODY))

    with pytest.raises(DownloadError) as caught:
        await desk.get("/file")

    assert caught.value.status == status
    assert str(status) in caught.value.what
    assert desk.litter == []


@pytest.mark.fault("A27")
async def test_an_empty_answer_for_declared_bytes_is_an_error(desk: Desk) -> None:
    """Also when only the digest was declared."""
    desk.origin.on("/file", Reply(body=b""))

    with pytest.raises(Exception, match="declared"):
        await desk.fetch("/file", Artifact(sha256=DECLARED.sha256))


@pytest.mark.fault("A07")
@pytest.mark.promise("P25")
@pytest.mark.parametrize("at", [0, 1, len(BODY) // 2, len(BODY) - 1])
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("reset", [False, True])
async def test_a_cut_body_is_never_taken_for_whole(desk: Desk, at: int, framing: str, reset: bool) -> None:
    """However the connection ends, and even if nothing was declared."""
    desk.limits["retries"] = 0
    chunked = framing == "chunked"
    desk.origin.on("/file", Reply(body=BODY, cut=at, framing="chunked" if chunked else "length", reset=reset))

    with pytest.raises(Truncated):
        await desk.get("/file")

    assert desk.litter == []


@pytest.mark.fault("A08")
async def test_metadata_whose_end_cannot_be_told_is_refused(desk: Desk) -> None:
    """A body that ends with its connection may have been cut by anybody on the way."""
    desk.origin.on("/feed", Reply(body=BODY, framing="close"))

    with pytest.raises(UnexpectedAnswer, match="does not say where its body ends"):
        await desk.get("/feed")


async def test_a_body_that_ends_with_its_connection_is_whole_when_its_digest_says_so(desk: Desk) -> None:
    """And only then: a cut one is asked for again."""
    desk.origin.on("/file", Reply(body=BODY, framing="close", cut=10), Reply(body=BODY, framing="close"))

    received = await desk.fetch("/file", DECLARED)

    assert received.path.read_bytes() == BODY


async def test_a_size_alone_does_not_prove_a_body_that_ends_with_its_connection(desk: Desk) -> None:
    """Only a digest tells that the bytes are those."""
    desk.origin.on("/file", Reply(body=BODY, framing="close"))

    with pytest.raises(UnexpectedAnswer):
        await desk.fetch("/file", Artifact(size=len(BODY)))


@pytest.mark.fault("A26")
@pytest.mark.promise("P11")
@pytest.mark.parametrize("framing", ["chunked", "close"])
async def test_an_endless_body_stops_at_the_first_byte_too_many(desk: Desk, framing: str) -> None:
    """The declared size bounds what is read, not what is sent."""
    chunked = framing == "chunked"
    desk.origin.on("/file", Reply(body=bytes(10_000), endless=True, framing="chunked" if chunked else "close"))

    with pytest.raises(SizeMismatch) as caught:
        await desk.fetch("/file", Artifact(size=100_000, sha256=DECLARED.sha256))

    assert "at least" in caught.value.what
    assert desk.downloads.bytes < 2 * 2_000_000
    assert desk.litter == []


@pytest.mark.fault("A26")
@pytest.mark.promise("P33")
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_metadata_larger_than_metadata_may_be_is_refused(desk: Desk, framing: str) -> None:
    """A length that says so beforehand costs no byte."""
    desk.limits["largest_metadata"] = 50_000
    chunked = framing == "chunked"
    desk.origin.on("/feed", Reply(body=bytes(50_001), framing="chunked" if chunked else "length"))

    with pytest.raises(TooLarge, match="50000") as caught:
        await desk.get("/feed")

    assert "largest_metadata" in caught.value.remedy
    assert desk.origin.count() == 1
    assert chunked or desk.downloads.bytes == 0


@pytest.mark.fault("A26")
async def test_an_artifact_of_unknown_size_is_bounded_like_metadata_unless_its_head_tells(desk: Desk) -> None:
    """An index without sizes lists large files; an endless one must still end."""
    desk.limits["largest_metadata"] = 50_000
    body = bytes(60_000)
    declared = Artifact(sha256=hashlib.sha256(body).hexdigest())
    desk.origin.on("/honest", Reply(body=body))
    desk.origin.on("/endless", Reply(body=body, endless=True, framing="chunked"))

    received = await desk.fetch("/honest", declared)
    with pytest.raises(TooLarge):
        await desk.fetch("/endless", declared)

    assert received.size == 60_000


@pytest.mark.fault("A23")
@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "br", "gzip, gzip"])
async def test_artifacts_are_kept_as_they_came_and_the_digest_decides(desk: Desk, encoding: str) -> None:
    """A server that labels a `.gz` file as encoded still serves the bytes that were listed."""
    body = gzip.compress(BODY, mtime=0)
    desk.origin.on("/file.gz", Reply(body=body, headers={"Content-Encoding": encoding}))

    received = await desk.fetch("/file.gz", Artifact(sha256=hashlib.sha256(body).hexdigest(), size=len(body)))

    assert received.path.read_bytes() == body
    assert desk.origin.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.fault("A23")
async def test_metadata_encoded_unasked_is_refused_rather_than_handed_on(desk: Desk) -> None:
    """What parses it would see garbage."""
    desk.origin.on("/feed", Reply(body=gzip.compress(BODY), headers={"Content-Encoding": "gzip"}))

    with pytest.raises(UnexpectedAnswer, match="encoded as 'gzip'"):
        await desk.get("/feed")


@pytest.mark.fault("A06")
@pytest.mark.promise("P26")
@pytest.mark.parametrize("size", [10_000, 10_000_000])
async def test_a_trickle_is_ended_by_the_least_throughput(desk: Desk, size: int) -> None:
    """A byte now and then is no progress."""
    desk.limits.update(retries=0, throughput_window=0.1)
    desk.origin.on("/file", Reply(body=bytes(size), trickle=0.005, piece=1))

    with pytest.raises(TooSlow, match=r"only \d+ bytes came in"):
        await desk.get("/file")

    assert desk.litter == []


async def test_a_slow_body_that_is_fast_enough_is_left_alone(desk: Desk) -> None:
    """The limit is on throughput, not on time."""
    desk.limits.update(retries=0, throughput_window=0.05, min_throughput=1000)
    desk.origin.on("/file", Reply(body=bytes(3000), trickle=0.01, piece=100))

    assert (await desk.get("/file")).size == 3000


@pytest.mark.fault("A05")
@pytest.mark.promise("P26")
@pytest.mark.parametrize("reply", [Reply(head_trickle=0.05, body=BODY), Reply(pause=30, body=BODY)])
async def test_a_head_that_does_not_come_is_not_waited_for(desk: Desk, reply: Reply) -> None:
    """Byte by byte or not at all."""
    desk.limits.update(retries=0, connect_timeout=0.05, header_timeout=0.1)
    desk.origin.on("/file", reply)

    with pytest.raises(TooSlow, match="head"):
        await desk.get("/file")


HOSTILE = {
    "ten thousand headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 10_000 + b"Content-Length: 1\r\n\r\nx",
    "a header line of a megabyte": b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 1_000_000 + b"\r\nContent-Length: 1\r\n\r\nx",
    "no http": b"SSH-2.0-OpenSSH_9\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk of nonsense": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n",
    "a hundred thousand trailers": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    + b"X-A: b\r\n" * 100_000
    + b"\r\n",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
}


@pytest.mark.fault("A24", "A25")
@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE.keys())
async def test_an_answer_that_is_no_good_http_is_refused(desk: Desk, raw: bytes) -> None:
    """Heads, trailers and chunks have bounds; what breaks them is an error of ours."""
    desk.limits["retries"] = 0
    desk.origin.on("/file", Reply(raw=raw))

    with pytest.raises(DownloadError):
        await desk.get("/file")

    assert desk.litter == []


@pytest.mark.fault("A25")
@pytest.mark.promise("P26")
async def test_endless_interim_answers_end_at_the_head_deadline(desk: Desk) -> None:
    """Status 1xx may come any number of times; time runs all the same."""
    desk.limits.update(retries=0, connect_timeout=0.1, header_timeout=0.1)
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    desk.origin.on("/file", Reply(raw=interim * 2000, stall=True))

    with pytest.raises(DownloadError):
        await desk.get("/file")


@pytest.mark.fault("A25")
async def test_what_is_said_beside_a_chunk_is_skipped(desk: Desk) -> None:
    """A megabyte of it costs time, and no memory."""
    extension = b"1;" + b"e" * 1_000_000 + b"\r\nx\r\n0\r\n\r\n"
    desk.origin.on("/file", Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + extension))

    assert (await desk.get("/file")).path.read_bytes() == b"x"


@pytest.mark.fault("A25")
async def test_many_tiny_chunks_make_a_body_too(desk: Desk) -> None:
    """Ungainly, but allowed."""
    body = bytes(range(256)) * 80
    desk.origin.on("/file", Reply(body=body, framing="chunked", piece=1))

    result = await desk.get("/file", Artifact(sha256=hashlib.sha256(body).hexdigest()))

    assert result.path.read_bytes() == body


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/a%7Eb%2Fc?x=%2B", "/a%7Eb%2Fc?x=%2B"),
        ("/a b/ä", "/a%20b/%C3%A4"),
        ("/file#part", "/file"),
        ("/a/../b", "/a/../b"),
    ],
)
async def test_urls_are_sent_as_they_are_and_quoted_only_where_they_must_be(desk: Desk, path: str, sent: str) -> None:
    """A signature in a query survives only untouched."""
    desk.origin.on("*", Reply(body=BODY))

    await desk.get(path)

    assert desk.origin.requests[0].path == sent


@pytest.mark.parametrize("url", ["http://", "http:///path", "http://host:port/", "http://[::1/", "http://a b/"])
async def test_a_malformed_url_is_an_error_of_ours(desk: Desk, url: str) -> None:
    """Whatever a library thinks of it."""
    desk.limits["retries"] = 0
    with pytest.raises(DownloadError):
        await desk.get(url)


@pytest.mark.promise("P30")
async def test_a_header_with_a_line_end_is_not_sent(desk: Desk) -> None:
    """It would begin another header, or another request."""
    with pytest.raises(UnusableUrl):
        await desk.get("/file", headers={"Accept": "a\r\nX-Injected: yes"})

    assert desk.origin.count() == 0


async def test_headers_of_the_caller_are_sent(desk: Desk) -> None:
    """A first stage says which media type it reads."""
    desk.origin.put("/feed", BODY)

    await desk.get("/feed", headers={"Accept": "application/json"})

    assert desk.origin.requests[0].headers["accept"] == "application/json"
    assert desk.origin.requests[0].headers["user-agent"].startswith("entrepot")
    assert "cookie" not in desk.origin.requests[0].headers


async def test_cookies_are_not_kept(desk: Desk) -> None:
    """No request knows of another."""
    desk.origin.on("/file", Reply(body=BODY, headers={"Set-Cookie": "a=b; Path=/"}))

    await desk.get("/file")
    await desk.get("/file")

    assert "cookie" not in desk.origin.requests[1].headers


async def test_bytes_a_second_hold_a_remote_back(desk: Desk) -> None:
    """For small and large bodies alike, and slow on purpose is not too slow."""
    desk.limits.update(bytes_per_second=100_000, throughput_window=0.05, min_throughput=10**9, retries=0)
    desk.origin.on("/small", Reply(body=bytes(50_000)))

    await desk.get("/small")
    await desk.get("/small")

    assert sum(desk.waits.slept) == pytest.approx(1.0, abs=0.3)


async def test_requests_a_second_space_requests_out(desk: Desk) -> None:
    """Without a burst at the start."""
    desk.limits["requests_per_second"] = 2
    desk.origin.put("/file", BODY)

    for _ in range(4):
        await desk.get("/file")

    assert sum(desk.waits.slept) == pytest.approx(1.5, abs=0.3)
