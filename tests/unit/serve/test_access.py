"""Private repositories."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import ClientSession
from yarl import URL

from entrepot.model.remote import Secret
from entrepot.testing.bad_origin import BadOrigin
from unit.serve.conftest import Open, Serve
from unit.serve.shelf import stock

BODY = bytes(range(256)) * 40


@pytest.mark.promise("P32")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer sesame"}, 200),
        ({"Authorization": "Basic YW55OnNlc2FtZQ=="}, 200),
        ({"Authorization": "Bearer open"}, 401),
        ({"Authorization": "Basic nonsense!"}, 401),
        ({"Authorization": "Basic c2VzYW1l"}, 401),
        ({"Authorization": "Basic \u00e9"}, 401),
        ({"Authorization": "Digest sesame"}, 401),
        ({"Authorization": ""}, 401),
    ],
)
async def test_a_private_repository_asks_for_its_token(
    origin: BadOrigin,
    opened: Open,
    serve: Serve,
    client: ClientSession,
    headers: dict[str, str],
    status: int,
) -> None:
    """As a bearer token, or as the password of whatever user; caches in between keep nothing."""
    depot = opened(tools={"url": stock(origin, {"a": BODY}), "private": True})

    async with (
        serve(depot, "tools", tokens={"tools": Secret("sesame")}) as root,
        client.get(f"{root}/tools/a", headers=headers) as answer,
    ):
        assert answer.status == status
        assert (b"sesame" in await answer.read(), "sesame" in str(answer.headers)) == (False, False)
        assert answer.headers["Cache-Control"] in ("private, no-cache", "no-store")


@pytest.mark.promise("P32")
async def test_bytes_that_are_no_text_are_no_token(origin: BadOrigin, opened: Open, serve: Serve) -> None:
    """Whatever stands in the header, it is an answer of ours, and no error."""
    depot = opened(tools={"url": stock(origin, {"a": BODY}), "private": True})

    async with serve(depot, "tools", tokens={"tools": Secret("sesame")}) as root:
        address = URL(root)
        reader, writer = await asyncio.open_connection(address.host, address.port)
        writer.write(b"GET /tools/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()

    assert answer.startswith(b"HTTP/1.1 401 ")


@pytest.mark.promise("P32")
async def test_without_a_token_it_is_as_if_it_were_not_there(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Nobody learns its name: not from an answer, the front page or the status."""
    depot = opened(secret={"url": stock(origin, {"a": BODY}), "private": True})

    async with serve(depot, "secret") as root:
        answers = []
        for name in ("secret", "absent"):
            async with client.get(f"{root}/{name}/a") as answer:
                answers.append((answer.status, (await answer.text()).replace(name, "NAME")))
        async with client.get(f"{root}/") as page, client.get(f"{root}/-/status") as status:
            shown = await page.text() + await status.text()

    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert "secret" not in shown
