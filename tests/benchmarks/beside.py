"""First requests for on-demand artifacts while a large sync runs in the same depot."""

from __future__ import annotations

import asyncio
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

import bare
import origin

if TYPE_CHECKING:
    from sync import Bench

_REQUESTS = 200


def first_requests_beside_a_sync(bench: Bench, lines: int) -> str:
    """Serve a depot whose second repository is being synced; how long first requests take."""
    origin.make_files(bench.work / "origin" / "small", count=20_000, size=4096)
    origin.make_index(bench.work / "origin" / f"index-{lines}", count=lines)
    home = bench.depot("small", policy="on_demand")
    configuration = home / "entrepot.toml"
    configuration.write_text(
        configuration.read_text()
        + '\n[repositories.huge]\ntype = "file"\npolicy = "on_demand"\nallow_private = true\n'
        + f'url = "{bench.url}/index-{lines}/PULP_MANIFEST"\n'
    )
    bench.sync(home)
    program = [sys.executable, "-m", "entrepot", "--config", str(configuration)]
    server = subprocess.Popen([*program, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)  # this interpreter
    try:
        address = _address(server)
        running = subprocess.Popen([*program, "--json", "sync", "huge"], stdout=subprocess.DEVNULL)  # this interpreter
        took, beside = asyncio.run(_ask(address, bench.work / "origin" / "small" / "PULP_MANIFEST", running))
        running.wait(600)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    took.sort()
    within = sum(seconds <= 0.3 for seconds in took) / len(took)  # the goal
    return (
        f"first requests beside a {lines:,}-unit sync: median {statistics.median(took):.3f} s,"
        f" 95 % within {took[int(len(took) * 0.95)]:.3f} s, {within:.0%} within 0.3 s,"
        f" {beside} of {len(took)} while the sync ran"
    )


def _address(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    for line in server.stdout:
        if "http://" in line:
            return "http://" + line.split("http://", 1)[1].split()[0].rstrip("/.")
    raise SystemExit("entrepot serve did not say where it listens")


async def _ask(address: str, manifest: Path, running: subprocess.Popen[bytes]) -> tuple[list[float], int]:
    took, beside = [], 0
    async with aiohttp.ClientSession() as session:
        for name in bare.paths(manifest)[:: 20_000 // _REQUESTS]:
            began = time.perf_counter()
            async with session.get(f"{address}/bench/{name}") as reply:
                reply.raise_for_status()
                await reply.read()
            took.append(time.perf_counter() - began)
            beside += running.poll() is None
            await asyncio.sleep(0.02)
    return took, beside
