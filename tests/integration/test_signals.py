"""Who asks for the end gets it: within ten seconds, cleanly, and with nothing left lying about."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from integration.program import Program, ended, stopped
from integration.upstream import FirmwareUpstream

pytestmark = pytest.mark.slow

BODY = random.Random(3).randbytes(200_000)
LARGE = random.Random(4).randbytes(16 * 1024 * 1024)
BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])


def fifty(origin: BadOrigin) -> FirmwareUpstream:
    """An upstream of fifty images."""
    upstream = FirmwareUpstream(origin)
    for number in range(50):
        upstream.add(f"image-{number}", BODY + bytes([number]))
    upstream.publish()
    return upstream


@pytest.mark.fault("C03")
@pytest.mark.promise("P23")
@BOTH
async def test_a_sync_of_fifty_downloads_ends_cleanly(
    origin: BadOrigin, program: Program, number: signal.Signals
) -> None:
    """No temporary file, no lock and no lease stays; the same command goes on from there."""
    upstream = fifty(origin)
    program.configure({"fw": {"url": upstream.url, "concurrency": 50}})
    assert (await program.run("init")).code == 0
    origin.on("/fw/*.bin", Reply(body=BODY, cut=100_000, stall=True))

    syncing = await program.start("sync")
    await origin.arrived(51)
    began = time.monotonic()
    done = await stopped(syncing, number)

    assert (done.code, time.monotonic() - began < 10) == (130, True)
    assert "interrupted" in done.err
    assert "Traceback" not in done.err
    assert program.litter() == []
    upstream.publish()
    before = origin.count("/fw/*.bin")
    again = await program.run("sync", "--json")
    assert again.code == 0, again.err
    assert origin.count("/fw/*.bin") - before == 50


@pytest.mark.fault("C03")
async def test_a_second_signal_waits_for_nothing(origin: BadOrigin, program: Program) -> None:
    """Also while a plugin blocks everything; the next sync takes up what was left."""
    upstream = fifty(origin)
    program.configure({"fw": {"url": upstream.url, "options": {"how": "blocks"}}})
    assert (await program.run("init")).code == 0

    syncing = await program.start("sync")
    await origin.arrived(1)
    await asyncio.sleep(0.5)  # the plugin has the answer, and blocks
    syncing.send_signal(signal.SIGTERM)
    assert syncing.stderr is not None
    while b"once more" not in await syncing.stderr.readline():
        pass
    began = time.monotonic()
    done = await stopped(syncing)

    assert (done.code, time.monotonic() - began < 3) == (130, True)
    program.configure({"fw": {"url": upstream.url}})
    assert (await program.run("sync")).code == 0
    assert program.litter() == []


@pytest.mark.sweep
@pytest.mark.fault("C03")
@pytest.mark.promise("P23")
async def test_a_plugin_that_will_not_stop_is_left_behind(origin: BadOrigin, tmp_path: Path) -> None:
    """Whether it swallows the cancellation or blocks the loop: ten seconds, and no repository after it."""
    upstream = fifty(origin)

    async def stop_one(how: str) -> tuple[int, float, str]:
        program = Program(tmp_path / how)
        program.configure(
            {"a": {"url": upstream.url, "options": {"how": how}}, "b": {"url": origin.url("/never.json")}}
        )
        assert (await program.run("init")).code == 0
        seen = len(origin.requests)
        syncing = await program.start("sync")
        await origin.arrived(seen + 1)
        await asyncio.sleep(1)  # the plugin has the answer, and will not end
        began = time.monotonic()
        done = await stopped(syncing)
        return done.code, time.monotonic() - began, done.err

    swallowed = await stop_one("swallows")
    blocked = await stop_one("blocks")

    for code, seconds, err in (swallowed, blocked):
        assert (code, seconds < 12) == (130, True)
        assert "was ended on the spot" in err or "did not stop within" in err
    assert origin.count("/never.json") == 0


@pytest.mark.fault("C03")
@BOTH
async def test_a_server_finishes_what_it_sends_and_lets_nobody_new_in(
    origin: BadOrigin, program: Program, number: signal.Signals
) -> None:
    """Exit code 0: a signal is how a server ends."""
    upstream = FirmwareUpstream(origin)
    upstream.add("large", LARGE)
    upstream.publish()
    program.configure({"fw": {"url": upstream.url}})
    assert (await program.run("init")).code == 0
    assert (await program.run("sync")).code == 0
    server, address = await program.serve()

    async with aiohttp.ClientSession(read_bufsize=65536) as client, client.get(f"{address}/fw/large.bin") as answer:
        received = await answer.content.readexactly(65536)
        began = time.monotonic()
        server.send_signal(number)
        refused = await until_refused(address)
        received += await answer.read()
    done = await ended(server)

    assert refused
    assert received == LARGE
    assert (done.code, time.monotonic() - began < 10, "Traceback" in done.err) == (0, True, False)


@pytest.mark.sweep
@pytest.mark.fault("C03")
async def test_a_client_that_does_not_read_holds_no_server_up(origin: BadOrigin, program: Program) -> None:
    """Its transfer is broken off when the ten seconds are over; nothing is told as an error."""
    upstream = FirmwareUpstream(origin)
    upstream.add("large", LARGE)
    upstream.publish()
    program.configure({"fw": {"url": upstream.url}})
    assert (await program.run("init")).code == 0
    assert (await program.run("sync")).code == 0
    server, address = await program.serve()

    reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]), limit=1024)
    writer.write(b"GET /fw/large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readline()
    began = time.monotonic()
    done = await stopped(server)
    writer.close()

    assert (done.code, time.monotonic() - began < 12, "Traceback" in done.err) == (0, True, False)


async def until_refused(address: str) -> bool:
    """Whether new connections are refused before long."""
    port = int(address.rpartition(":")[2])
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return True
        writer.close()
        await asyncio.sleep(0.02)
    return False


@pytest.mark.fault("C03")
@pytest.mark.promise("P23")
@BOTH
async def test_a_server_to_whose_words_nobody_listens_ends_as_well(program: Program, number: signal.Signals) -> None:
    """Whoever started it with a pipe for its errors may be gone: a signal is heeded all the same."""
    program.configure({})
    assert (await program.run("init")).code == 0
    reading, writing = os.pipe()
    server, _ = await program.serve(stderr=writing)
    os.close(writing)
    os.close(reading)

    server.send_signal(number)

    async with asyncio.timeout(8):
        assert await server.wait() == 0


async def test_a_sync_whose_progress_nobody_reads_goes_on(origin: BadOrigin, program: Program) -> None:
    """Whoever read its progress may be gone: that is no trouble of the sync, nor of any of its stages."""
    upstream = fifty(origin)
    program.configure({"fw": {"url": upstream.url}})
    assert (await program.run("init")).code == 0
    reading, writing = os.pipe()
    syncing = await program.start("sync", stderr=writing)
    os.close(writing)
    os.close(reading)

    out, _ = await syncing.communicate()

    assert (syncing.returncode, b"fw" in out) == (0, True), out
    assert (await program.run("versions", "fw", "--json")).out.count('"fw"') == 1
