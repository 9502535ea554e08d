"""A depot served on loopback, for clients of every kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from entrepot.depot import Depot
from entrepot.serve.app import run


@asynccontextmanager
async def served(depot: Depot, *, port: int = 0) -> AsyncIterator[str]:
    """Serve a depot while the block runs, and yield its address, without a slash at the end.

    >>> async with served(depot) as address:
    ...     page = await fetch(f"{address}/tools/simple/")
    """
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(run(depot, host="127.0.0.1", port=port, announce=address.set_result, stop=stop))
    try:
        await asyncio.wait([serving, asyncio.ensure_future(_arrived(address))], return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving
        yield (await address).rstrip("/")
    finally:
        stop.set()
        await serving


async def _arrived(address: asyncio.Future[str]) -> None:
    await asyncio.shield(address)
