"""Trouble of the server's own: one line and a time to ask again for the client, the place in the log."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import random
import tempfile
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import ClientSession

from entrepot.errors import ConfigurationError
from entrepot.operations.sync import sync
from entrepot.serve.app import read_tokens
from entrepot.serve.on_demand import VERIFIED_FIRST
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from unit.serve.conftest import Open, Serve
from unit.serve.shelf import stock

BODY = random.Random(5).randbytes(3 * VERIFIED_FIRST)


@pytest.mark.fault("C05", "C07", "C09")
@pytest.mark.promise("P24")
@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.ENOSPC, "full"), (errno.EROFS, "written"), (errno.EIO, "input/output"), (errno.EMFILE, "too many files")],
)
async def test_a_cold_fetch_without_a_file_is_503(
    origin: BadOrigin,
    opened: Open,
    serve: Serve,
    client: ClientSession,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    number: int,
    told: str,
) -> None:
    """The folder is told in the log alone; when the cause goes, the next request succeeds."""
    depot = opened(tools={"url": stock(origin, {"a": BODY[:1000]}), "policy": "on_demand"})

    def fail(**_: Any) -> Any:
        raise OSError(number, os.strerror(number))

    async with serve(depot, "tools") as root:
        with monkeypatch.context() as patch:
            patch.setattr(tempfile, "TemporaryFile", fail)
            async with client.get(f"{root}/tools/a") as answer:
                text = await answer.text()
                assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        async with client.get(f"{root}/tools/a") as answer:
            assert await answer.read() == BODY[:1000]

    assert told in text
    assert str(depot.settings.home) not in text
    assert str(depot.settings.home) in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.fault("C05")
async def test_a_spool_that_takes_half_a_piece_loses_none_of_it(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is nearly full writes a part of what it is given, and says so."""
    depot = opened(tools={"url": stock(origin, {"a": BODY}), "policy": "on_demand"})
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: write(file, data[: max(1, len(data) // 2)], at))

    async with serve(depot, "tools") as root, client.get(f"{root}/tools/a") as answer:
        assert await answer.read() == BODY


@pytest.mark.fault("C08")
@pytest.mark.promise("P09")
async def test_a_disk_that_fails_within_a_body_breaks_the_connection_off(
    origin: BadOrigin, opened: Open, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal in the middle of a body would be taken for its bytes, and so would the next answer."""
    depot = opened(tools={"url": stock(origin, {"a": BODY})})
    await sync(depot, "tools")
    send, sent = os.sendfile, list[int]()

    def fail_later(out: int, file: int, start: int, count: int) -> int:
        if sent:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sent.append(send(out, file, start, min(count, 100_000)))
        return sent[0]

    monkeypatch.setattr(os, "sendfile", fail_later)
    async with serve(depot, "tools") as root:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(root.rpartition(":")[2]))
        writer.write(b"GET /tools/a HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await until_broken(reader)
        writer.close()

    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(BODY)}".encode() in head
    assert body == BODY[: len(body)]
    assert len(body) < len(BODY)


async def until_broken(reader: asyncio.StreamReader) -> bytes:
    """All that comes before the connection ends."""
    received = b""
    with suppress(ConnectionResetError):
        async with asyncio.timeout(30):
            while piece := await reader.read(65536):
                received += piece
    return received


async def test_a_client_that_hangs_up_is_no_error(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither during a cold fetch nor while held bytes are sent is there anything to tell."""
    gate = asyncio.Event()
    depot = opened(tools={"url": stock(origin, {"a": BODY}), "policy": "on_demand"})
    caplog.set_level(logging.INFO)
    origin.on("/a", Reply(body=BODY, cut=len(BODY) - 1, stall=gate), Reply(body=BODY))

    async with serve(depot, "tools") as root:
        port = int(root.rpartition(":")[2])
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /tools/a HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readexactly(1000)
            writer.transport.abort()
        gate.set()
        async with client.get(f"{root}/tools/a") as answer:
            await answer.content.readany()

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_private_repository_without_a_token_is_told_at_the_start(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """And one whose token cannot be had starts no server."""
    depot = opened(
        open={}, shut={"private": True}, keyed={"private": True, "read_token": {"env": "READ_TOKEN_OF_NOBODY"}}
    )

    with pytest.raises(ConfigurationError, match="READ_TOKEN_OF_NOBODY") as caught:
        read_tokens(depot.settings)

    assert "keyed.read_token" in caught.value.where
    assert "'shut' is private and has no read_token" in caplog.text
    assert "'open'" not in caplog.text
