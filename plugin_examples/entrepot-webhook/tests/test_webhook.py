"""Whole syncs, and a receiver that checks what it is told."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner

import entrepot_file.plugin
import entrepot_webhook.plugin
from entrepot.plugin import ConfigurationError, UpstreamError
from entrepot.testing import BadOrigin, Reply, Seen, depot, sync
from entrepot_webhook.outbox import Outbox
from entrepot_webhook.plugin import webhook

KEY = b"a key that nobody guesses"
PLUGINS = [("file", entrepot_file.plugin), ("webhook", entrepot_webhook.plugin)]
ENDED: dict[str, Reply] = {
    "an error": Reply(status=500),
    "a redirect": Reply.redirect("/elsewhere", 302),
    "a reset": Reply(raw=b"HTTP/1.1 2", reset=True),
    "silence": Reply(stall=True, raw=b""),
    "no HTTP": Reply(raw=b"220 mail.example ESMTP\r\n\r\n"),
}


@attrs.define
class Told:
    """An upstream with a file, a receiver, and the depot between them."""

    origin: BadOrigin
    folder: Path

    @property
    def outbox(self) -> Outbox:
        """What is not delivered yet."""
        return Outbox(self.folder / "outbox" / "isos")

    @property
    def seen(self) -> list[Seen]:
        """What the receiver got."""
        return [request for request in self.origin.requests if request.path.startswith("/hook")]

    def table(self, **said: Any) -> dict[str, Any]:
        """The repository's table."""
        (self.folder / "secret").write_text(f"whsec_{base64.b64encode(KEY).decode()}\n")
        options = {"url": self.origin.url("/hook?token=hidden"), "secret": {"file": str(self.folder / "secret")}}
        options |= {
            "outbox": str(self.folder / "outbox"),
            "timeout": "1s",
            "events": ["version", "unchanged", "failed"],
        }
        url = self.origin.url("/SHA256SUMS")
        table = {"type": "file", "url": url, "allow_private": True, "retries": 0}
        return {**table, "plugins": {"webhook": options | said}}

    async def sync(self, **said: Any) -> Any:
        """Sync as configured, and wait for what is delivered meanwhile."""
        with depot(self.folder / "depot", {"isos": self.table(**said)}, plugins=PLUGINS, installed=False) as opened:
            try:
                return await sync(opened, "isos")
            finally:
                await asyncio.to_thread(delivered)


def delivered() -> None:
    """Wait for the threads that deliver."""
    for thread in threading.enumerate():
        if thread.name == "entrepot-webhook":
            thread.join(60)


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Told]:
    """An upstream with one file, and a receiver that takes what it gets."""
    async with BadOrigin() as origin:
        origin.put("/a.iso", b"an image")
        origin.put("/SHA256SUMS", f"{hashlib.sha256(b'an image').hexdigest()}  a.iso\n".encode())
        yield Told(origin, tmp_path)


def checked(request: Seen) -> dict[str, Any]:
    """What a receiver reads that follows Standard Webhooks, after it has checked who sent it."""
    headers = request.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
    assert hmac.compare_digest(headers["webhook-signature"], f"v1,{expected}")
    said: dict[str, Any] = json.loads(request.body)
    assert said["id"] == headers["webhook-id"]
    return said


def types(requests: Iterable[Seen]) -> list[str]:
    """What the receiver was told of, in order."""
    return [checked(request)["type"] for request in requests]


async def test_a_receiver_is_told_what_became_of_each_sync(told: Told) -> None:
    """Signed, in order, and of failures in words without secrets."""
    told.origin.on("/hook*", Reply(status=204))
    await told.sync()
    await told.sync()
    told.origin.on("/SHA256SUMS", Reply(status=500))
    with pytest.raises(UpstreamError):
        await told.sync()

    assert types(told.seen) == ["sync.version", "sync.unchanged", "sync.failed"]
    first, _, last = (checked(request) for request in told.seen)
    assert (first["format"], first["data"]["repository"], first["data"]["version"]) == (1, "isos", 1)
    assert (first["data"]["added"], last["data"]["repository"]) == (1, "isos")
    assert "500" in last["data"]["what"]
    assert told.outbox.pending() == []


async def test_a_receiver_is_told_only_what_it_asks_for(told: Told) -> None:
    """By default, of versions and of failures."""
    told.origin.on("/hook*", Reply(status=204))

    await told.sync(events=["failed"])

    assert told.seen == []


@pytest.mark.parametrize("reply", ENDED.values(), ids=ENDED)
async def test_what_a_receiver_does_costs_no_sync(told: Told, reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    """The message is tried again with the same id, kept, and delivered by the next sync; no log has a secret."""
    told.origin.on("/hook*", reply, reply, Reply(status=204))

    with caplog.at_level(logging.DEBUG):
        outcome = await told.sync(attempts=2)
        (kept,) = told.outbox.pending()
        await told.sync()

    assert outcome.version.number == 1
    assert [request.headers["webhook-id"] for request in told.seen[:3]] == [kept.id] * 3
    assert types(told.seen) == ["sync.version"] * 3 + ["sync.unchanged"]
    assert told.outbox.pending() == []
    assert told.origin.count("/elsewhere") == 0
    assert "is kept for the next run" in caplog.text
    for secret in ("hidden", KEY.decode(), base64.b64encode(KEY).decode()):
        assert secret not in caplog.text


async def test_a_receiver_that_is_gone_gets_no_second_message(told: Told) -> None:
    """410 is the word for it: the message is dropped, and nothing is tried again."""
    told.origin.on("/hook*", Reply(status=410))

    await told.sync()

    assert len(told.seen) == 1
    assert told.outbox.pending() == []


async def test_what_is_too_old_is_dropped(told: Told) -> None:
    """A receiver that was away for long is not told of last year."""
    told.origin.on("/hook*", Reply(status=500))
    await told.sync(attempts=1)

    await told.sync(attempts=1, keep="0s")

    assert told.outbox.pending() == []


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"url": "ftp://a.example/"}, "no address of the web"),
        ({"outbox": "outbox"}, "messages need a place"),
        ({"secret": {"env": "NOT_THERE"}}, "NOT_THERE"),
        ({"url": ""}, "these options tell nobody"),
        ({"attempts": 0}, "attempts"),
        ({"timeout": "0s"}, "no receiver could answer"),
    ],
    ids=str,
)
async def test_what_would_tell_nobody_ends_a_sync_before_it_begins(told: Told, said: Any, wrong: str) -> None:
    """Whoever wrote it believes that it counts."""
    with pytest.raises(ConfigurationError, match=wrong):
        await told.sync(**said)

    assert told.origin.requests == []


ELSEWHERE = """
import asyncio, json, os, signal, sys
from pathlib import Path

import entrepot_file.plugin, entrepot_webhook.plugin
from entrepot.testing import depot, sync

folder, table, killed = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:] == ["killed"]
if killed:
    entrepot_webhook.plugin._in_background = lambda context: None
plugins = [("file", entrepot_file.plugin), ("webhook", entrepot_webhook.plugin)]
with depot(folder, {"isos": table}, plugins=plugins, installed=False) as opened:
    asyncio.run(sync(opened, "isos"))
    if killed:
        os.kill(os.getpid(), signal.SIGKILL)
"""


async def synced_elsewhere(told: Told, *words: str, **said: Any) -> int:
    """Sync in a process of its own, which ends, or is killed, with nobody waiting for what is delivered."""
    command = [sys.executable, "-c", ELSEWHERE, str(told.folder / "depot"), json.dumps(told.table(**said)), *words]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = await asyncio.to_thread(
        subprocess.run, command, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


async def test_what_a_killed_process_did_not_deliver_the_next_one_does(told: Told) -> None:
    """The message was kept before anything was sent."""
    told.origin.on("/hook*", Reply(status=204))

    assert await synced_elsewhere(told, "killed") == -signal.SIGKILL

    assert len(told.outbox.pending()) == 1

    await told.sync()

    assert types(told.seen) == ["sync.version", "sync.unchanged"]


async def test_a_process_that_ends_delivers_first(told: Told) -> None:
    """It waits for the receiver, who takes a moment."""
    told.origin.on("/hook*", Reply(status=204, pause=0.5))

    assert await synced_elsewhere(told) == 0

    assert types(told.seen) == ["sync.version"]
    assert told.outbox.pending() == []


async def test_a_receiver_that_never_answers_holds_no_process_for_ever(told: Told) -> None:
    """Not even one that lets each attempt begin: after `within`, the message is the next run's."""
    told.origin.on("/hook*", Reply(status=204, head_trickle=0.5))

    assert await synced_elsewhere(told, timeout="60s", within="1s", attempts=1000) == 0

    assert len(told.outbox.pending()) == 1


async def test_what_is_not_delivered_can_be_seen(told: Told) -> None:
    """By repository, with the id; nothing is readable for others."""
    told.origin.on("/hook*", Reply(status=500))
    await told.sync(attempts=1)
    (kept,) = told.outbox.pending()

    done = CliRunner().invoke(webhook, [str(told.folder / "outbox")])

    assert done.exit_code == 0
    assert done.output.split()[:2] == ["isos", kept.id]
    assert kept.file.stat().st_mode & 0o077 == 0
    assert kept.file.parent.stat().st_mode & 0o077 == 0
