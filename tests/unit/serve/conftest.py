"""A depot on a real catalog and storage, an upstream, and a server, all on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import aiohttp
import pytest
from aiohttp import web

from entrepot.depot import Depot
from entrepot.operations.sync import sync
from entrepot.serve.app import make_app
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.depots import depot
from unit.serve import shelf

Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[str]]
Open: TypeAlias = Callable[..., Depot]


@pytest.fixture
async def origin() -> AsyncIterator[BadOrigin]:
    """An upstream on loopback, scripted by the test."""
    async with BadOrigin() as running:
        yield running


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Open the test's depot with repositories of type `shelf`, by name; tables may say more.

    `combined` has combinations of them, by name.
    """
    with ExitStack() as stack:

        def open_with(*, combined: dict[str, Any] | None = None, **repositories: dict[str, Any]) -> Depot:
            tables = {
                name: {"type": "shelf", "allow_private": True, "retries": 0, **table}
                for name, table in repositories.items()
            }
            plugins = [("shelf", shelf)]
            opening = depot(tmp_path / "depot", tables, combined=combined, plugins=plugins, installed=False)
            return stack.enter_context(opening)

        yield open_with


@pytest.fixture
def serve() -> Serve:
    """Serve a depot while a block runs; gives the address of its root, without a slash at the end."""

    @asynccontextmanager
    async def serving(of: Depot, *names: str, **given: Any) -> AsyncIterator[str]:
        for name in names:
            await sync(of, name)
        runner = web.AppRunner(make_app(of, **given), access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    return serving


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that undoes no encoding."""
    async with aiohttp.ClientSession(auto_decompress=False, connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session
