"""The scripted upstream does what it is told, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import aiohttp
import pytest

from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply


async def raw_get(origin: BadOrigin, path: str) -> bytes:
    """Ask once and return everything that comes until the connection ends."""
    reader, writer = await asyncio.open_connection(origin.host, origin.port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Name: a\r\n\r\n".encode())
        return await reader.read()
    finally:
        writer.close()


async def test_the_nth_request_for_a_path_gets_the_nth_reply_and_the_last_one_stays() -> None:
    """Healing after n failures is a list of replies; every path counts for itself."""
    async with BadOrigin() as origin, aiohttp.ClientSession() as client:
        origin.on("/*.txt", Reply(status=500), Reply(status=503), Reply(body=b"healed"))

        statuses = [(await client.get(origin.url("/a.txt"))).status for _ in range(4)]
        other = (await client.get(origin.url("/b.txt"))).status

    assert statuses == [500, 503, 200, 200]
    assert other == 500


async def test_requests_are_remembered_with_method_path_and_headers() -> None:
    """Counting requests is how a test knows what was asked again."""
    async with BadOrigin() as origin, aiohttp.ClientSession() as client:
        origin.put("/a?b=c", b"x")
        await client.get(origin.url("/a?b=c"), headers={"X-Token": "t"})
        await client.head(origin.url("/nothing"))

    assert [(seen.method, seen.path, seen.number) for seen in origin.requests] == [
        ("GET", "/a?b=c", 1),
        ("HEAD", "/nothing", 1),
    ]
    assert origin.requests[0].headers["x-token"] == "t"
    assert origin.count("/a*") == 1


async def test_what_is_posted_is_remembered_and_ends_where_it_ends() -> None:
    """A receiver of webhooks is one more server to script; the next request of a connection is not its body's rest."""
    async with BadOrigin() as origin, aiohttp.ClientSession() as client:
        origin.on("/hook", Reply(status=500), Reply(body=b"thanks"))

        statuses = [(await client.post(origin.url("/hook"), data=body)).status for body in (b"one\r\n\r\n", b"two")]

    assert statuses == [500, 200]
    assert [(seen.method, seen.body) for seen in origin.requests] == [("POST", b"one\r\n\r\n"), ("POST", b"two")]
    assert origin.connections == 1


async def test_a_body_is_cut_after_so_many_bytes_with_an_end_of_stream() -> None:
    """The head promises more than comes."""
    async with BadOrigin() as origin:
        origin.on("/cut", Reply(body=b"0123456789", cut=4))

        head, _, body = (await raw_get(origin, "/cut")).partition(b"\r\n\r\n")

    assert b"Content-Length: 10" in head
    assert body == b"0123"


async def test_a_reset_connection_is_an_error_and_not_an_end() -> None:
    """SO_LINGER 0 makes the kernel send RST."""
    async with BadOrigin() as origin:
        origin.on("/reset", Reply(body=b"0123456789", cut=4, reset=True))

        with pytest.raises(ConnectionResetError):
            await raw_get(origin, "/reset")


async def test_framing_is_chunked_by_length_or_by_the_end_of_the_connection() -> None:
    """A close-delimited body has neither length nor chunks."""
    async with BadOrigin() as origin:
        origin.on("/close", Reply(body=b"abc", framing="close"))
        origin.on("/chunked", Reply(body=b"abcdef", framing="chunked", piece=4, cut=5))

        closed = await raw_get(origin, "/close")
        chunked = await raw_get(origin, "/chunked")

    assert b"Content-Length" not in closed
    assert closed.endswith(b"\r\n\r\nabc")
    assert chunked.endswith(b"\r\n\r\n4\r\nabcd\r\n1\r\ne\r\n")


async def test_a_file_is_served_with_ranges_and_conditional_requests() -> None:
    """`put` is the good server that the bad replies are compared with."""
    async with BadOrigin() as origin, aiohttp.ClientSession() as client:
        url = origin.put("/good", b"0123456789")
        whole = await client.get(url)
        etag = whole.headers["ETag"]

        part = await client.get(url, headers={"Range": "bytes=7-", "If-Range": etag})
        changed = await client.get(url, headers={"Range": "bytes=7-", "If-Range": '"other"'})
        same = await client.get(url, headers={"If-None-Match": etag})
        beyond = await client.get(url, headers={"Range": "bytes=10-"})

        assert (part.status, part.headers["Content-Range"], await part.read()) == (206, "bytes 7-9/10", b"789")
        assert (changed.status, await changed.read()) == (200, b"0123456789")
        assert (same.status, beyond.status) == (304, 416)


async def test_leaving_ends_replies_that_would_never_end() -> None:
    """An endless body, a stall and a closed gate keep no test waiting."""
    async with asyncio.timeout(5):
        async with BadOrigin() as origin:
            origin.on("/endless", Reply(body=b"x" * 1000, endless=True, framing="chunked"))
            origin.on("/stall", Reply(body=b"x", declared=2, stall=True))
            origin.on("/gate", Reply(gate=asyncio.Event()))
            readers = [asyncio.create_task(raw_get(origin, path)) for path in ("/stall", "/gate")]
            reader, writer = await asyncio.open_connection(origin.host, origin.port)
            writer.write(b"GET /endless HTTP/1.1\r\n\r\n")
            assert len(await reader.readexactly(100_000)) == 100_000
            await origin.arrived(3)
        writer.close()
        assert (await readers[0]).endswith(b"x")
        await asyncio.gather(readers[1], return_exceptions=True)


@pytest.mark.parametrize("turns", range(8))
async def test_leaving_it_ends_a_connection_however_far_it_has_come_in(turns: int) -> None:
    """One that is taken in as the server closes holds nobody up: not the server's end, and not its client."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(60):
        async with BadOrigin() as origin:
            client = socket.create_connection((origin.host, origin.port))  # blocks, so that no turn passes
            client.setblocking(False)
            for _ in range(turns):
                await asyncio.sleep(0)
            left = loop.time()

        took = loop.time() - left
        with client, contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(loop.sock_recv(client, 1), 30) == b""

    assert took < 4, "it gave up on a connection that it should have ended"
