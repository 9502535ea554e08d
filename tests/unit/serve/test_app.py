"""The server as a whole."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import ClientSession

from entrepot.errors import ConfigurationError
from entrepot.serve.app import run
from entrepot.testing.bad_origin import BadOrigin
from unit.serve.conftest import Open, Serve
from unit.serve.shelf import stock


async def test_the_front_page_shows_what_there_is_and_how_to_use_it(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """A person finds repositories, versions and the line to type; what is not synced yet is there too."""
    depot = opened(tools={"url": stock(origin, {"a": b"x"})})

    async with serve(depot, "tools") as root, client.get(f"{root}/") as answer:
        page = await answer.text()

    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert '<a href="./tools/">tools</a>' in page
    assert '<a href="./tools@1/">1</a>' in page
    assert f"shelf use {root}/tools/" in page


async def test_a_depot_without_repositories_has_a_front_page(opened: Open, serve: Serve, client: ClientSession) -> None:
    """It says what to do next."""
    async with serve(opened()) as root, client.get(f"{root}/") as answer:
        assert "entrepot add" in await answer.text()


@pytest.mark.fault("E08")
async def test_a_host_header_cannot_bring_markup_into_the_page(origin: BadOrigin, opened: Open, serve: Serve) -> None:
    """Whatever a client claims the server's name to be, it is escaped."""
    depot = opened(tools={"url": stock(origin, {"a": b"x"})})

    async with serve(depot, "tools") as root:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(root.rpartition(":")[2]))
        writer.write(b"GET / HTTP/1.1\r\nHost: <script>x</script>\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()

    assert b"<script>" not in answer


@pytest.mark.promise("P28")
async def test_status_is_for_machines(origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession) -> None:
    """One JSON object: that it works, and what is served."""
    depot = opened(tools={"url": stock(origin, {"a": b"x"})})

    async with serve(depot, "tools") as root, client.get(f"{root}/-/status") as answer:
        said = json.loads(await answer.read())

    assert said["status"] == "ok"
    assert [(row["name"], row["latest"]) for row in said["repositories"]] == [("tools", 1)]


async def test_run_announces_its_address_and_ends_when_told(opened: Open, client: ClientSession) -> None:
    """Port 0 picks one; the address is told once connections are accepted."""
    announced: asyncio.Queue[str] = asyncio.Queue()
    stop = asyncio.Event()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run(opened(), host="127.0.0.1", port=0, announce=announced.put_nowait, stop=stop))
        address = await announced.get()
        async with client.get(address) as answer:
            assert answer.status == 200
        stop.set()

    assert address.startswith("http://127.0.0.1:")


async def test_an_address_that_is_taken_is_told_with_a_remedy(opened: Open) -> None:
    """The error names address and port."""
    taken = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]

    with pytest.raises(ConfigurationError, match=f"port {port}") as caught:
        await run(opened(), host="127.0.0.1", port=port, announce=lambda _: None, stop=asyncio.Event())

    taken.close()
    await taken.wait_closed()
    assert "--port" in caught.value.remedy
