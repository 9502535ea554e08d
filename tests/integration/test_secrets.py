"""Secrets are sent to whom they were set for, and stand nowhere else: not said, not stored, not sent on."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from integration.program import Ended, Program, stopped
from integration.upstream import FirmwareUpstream

pytestmark = pytest.mark.slow

#: One for each place that a secret can be in; characters that a URL writes otherwise are among them.
CANARIES = {
    name: f"canary/{name}+7f3a%&9c" for name in ("password", "bearer", "header", "proxy", "url", "key", "token")
}
TROUBLE = {
    "success": None,
    "absent": Reply(status=404),
    "denied": Reply(status=401, headers={"WWW-Authenticate": "Basic"}),
    "broken": Reply(status=500),
    "wrong": Reply(body=b"other bytes"),
    "cut": Reply(body=b"x" * 100, cut=10),
    "garbled": Reply(raw=b"HTTP/9 what\r\n\r\n"),
    "lost": Reply.redirect("http://[::1/"),
    "scheme": Reply.redirect("ftp://host/x"),
}
USUAL = ("success", "denied", "lost")


def forms(secret: str) -> Iterable[bytes]:
    """A secret as it could stand somewhere: plain, as a URL writes it, as a header of Basic does."""
    yield secret.encode()
    yield quote(secret, safe="").encode()
    yield json.dumps(secret).strip('"').encode()
    for user in ("", "ci:", "ci", "px:"):
        yield base64.b64encode(f"{user}{secret}".encode()).rstrip(b"=")[:-2]


def found(where: bytes) -> list[str]:
    """The canaries that stand in a text, in any of their forms."""
    return [name for name, secret in CANARIES.items() if any(form in where for form in forms(secret))]


def on_disk(folder: Path) -> list[tuple[str, list[str]]]:
    """The canaries in every file below a folder, by path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(str(path), names) for path in files if (names := found(path.read_bytes()))]


def sent(origin: BadOrigin) -> bytes:
    """All that was asked of an origin."""
    return repr(origin.requests).encode()


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    """The program, with every secret in its environment and nowhere in its folder."""
    made = Program(tmp_path / "here")
    made.environ |= {f"SECRET_{name.upper()}": secret for name, secret in CANARIES.items()}
    yield made
    await made.close()


def tables(upstream: FirmwareUpstream, proxy: str) -> dict[str, dict[str, Any]]:
    """A repository for each way to say who we are."""

    def secret(name: str) -> dict[str, str]:
        return {"env": f"SECRET_{name.upper()}"}

    return {
        "basic": {"url": upstream.url, "username": "ci", "password": secret("password")},
        "bearer": {"url": upstream.url, "bearer": secret("bearer")},
        "header": {"url": upstream.url, "headers": {"X-Key": secret("header")}},
        "private": {"url": upstream.url, "private": True, "read_token": secret("token")},
        "proxied": {"url": "http://upstream.example/feed.json", "proxy": proxy},
    }


def check(program: Program, done: Ended, what: str) -> None:
    """Nothing that a command said or left behind has a secret."""
    assert found(done.out.encode() + done.err.encode()) == [], what
    assert on_disk(program.home) == [], what


@pytest.mark.fault("E09")
@pytest.mark.promise("P30")
@pytest.mark.parametrize(
    "trouble", [name if name in USUAL else pytest.param(name, marks=pytest.mark.sweep) for name in TROUBLE]
)
async def test_no_command_tells_or_stores_a_secret(origin: BadOrigin, program: Program, trouble: str) -> None:
    """Whatever goes wrong, with --debug, on every output; and each secret went to its own origin."""
    upstream = FirmwareUpstream(origin)
    upstream.add("alpha", b"one")
    upstream.publish()
    reply = TROUBLE[trouble]
    if reply is not None:
        origin.on("/fw/alpha.bin", reply)
    async with BadOrigin() as proxy:
        proxy_url = f"http://px:{quote(CANARIES['proxy'], safe='')}@127.0.0.1:{proxy.port}"
        program.configure(tables(upstream, proxy_url))
        assert (await program.run("init")).code == 0

        done = await program.run("sync", "--debug", "--json")
        said = [done]
        if trouble == "success":
            for words in (["status"], ["doctor"], ["show", "basic"], ["trace", "basic", "--json"]):
                said.append(await program.run(*words, "--debug"))

    for command in said:
        check(program, command, trouble)
    headers = [request.headers for request in origin.requests]
    assert any(given.get("x-key") == CANARIES["header"] for given in headers)
    assert any(given.get("authorization") == f"Bearer {CANARIES['bearer']}" for given in headers)
    assert any("proxy-authorization" in request.headers for request in proxy.requests)
    assert set(found(sent(proxy))) <= {"proxy"}
    assert done.code != 0


@pytest.mark.fault("E09")
@pytest.mark.promise("P30")
async def test_a_redirect_takes_no_secret_along(origin: BadOrigin, program: Program) -> None:
    """The second origin sees none of what the first was shown."""
    body = b"image"
    entry = {"name": "alpha", "file": "alpha.bin", "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}
    feed = origin.put("/fw/feed.json", json.dumps([entry]).encode())
    async with BadOrigin(host="127.0.0.2") as other:
        other.put("/alpha.bin", body)
        origin.on("/fw/alpha.bin", Reply.redirect(other.url("/alpha.bin")))
        secret_url = feed.replace("://", f"://ci:{quote(CANARIES['url'], safe='')}@")
        program.configure(
            {
                "all": {
                    "url": feed,
                    "username": "ci",
                    "password": {"env": "SECRET_PASSWORD"},
                    "headers": {"X-Key": {"env": "SECRET_HEADER"}, "Cookie": {"env": "SECRET_KEY"}},
                },
                "written": {"url": secret_url},
            }
        )
        assert (await program.run("init")).code == 0

        done = await program.run("sync", "--debug")

        assert done.code == 0, done.err
        assert other.count("/alpha.bin") >= 1
        assert found(sent(other)) == []
        check(program, done, "redirect")


@pytest.mark.fault("E09")
async def test_a_private_repository_shows_itself_to_its_token_alone(origin: BadOrigin, program: Program) -> None:
    """Read from the environment; `doctor` and `serve` tell of one that has none."""
    upstream = FirmwareUpstream(origin)
    upstream.add("alpha", b"one")
    upstream.publish()
    private = {"url": upstream.url, "private": True}
    program.configure({"keyed": {**private, "read_token": {"env": "SECRET_TOKEN"}}, "shut": private})
    assert (await program.run("init")).code == 0
    assert (await program.run("sync")).code == 0
    examined = await program.run("doctor")

    server, address = await program.serve("--debug")
    statuses = {}
    async with aiohttp.ClientSession() as client:
        for name in ("keyed", "shut"):
            for token in (CANARIES["token"], "wrong"):
                headers = {"Authorization": f"Bearer {token}"}
                async with client.get(f"{address}/{name}/alpha.bin", headers=headers) as answer:
                    statuses[name, token == "wrong"] = answer.status
    done = await stopped(server)

    assert statuses == {("keyed", False): 200, ("keyed", True): 401, ("shut", False): 404, ("shut", True): 404}
    assert "'shut' is private and has no read_token" in done.err
    assert "has no read_token" in examined.out
    check(program, done, "serve")
