"""What a server gives to 64 connections of wrk, beside bare aiohttp that sends a file of the same size.

python tests/benchmarks/serving.py [--runs 5] [--seconds 10]

Prints, for a project's page and for a list of packages, requests a second of both, medians of the
runs, the ratio, the slowest of a hundred requests, errors, and the server's memory before and after.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs

_BARE = """
import sys
from aiohttp import web

async def answer(request):
    return web.FileResponse(sys.argv[1] + request.path)

app = web.Application()
app.router.add_get("/{path:.*}", answer)
web.run_app(app, host="127.0.0.1", port=0, access_log=None, print=lambda *words: print(*words, flush=True))
"""
_ADDRESS = re.compile(r"http://[0-9.:]+")
_LATENCY = re.compile(r"^ +99% +([0-9.]+)(us|ms|s)$", re.MULTILINE)
_RATE = re.compile(r"^Requests/sec: +([0-9.]+)$", re.MULTILINE)
_ERRORS = re.compile(r"^ +(?:Socket errors|Non-2xx).*$", re.MULTILINE)
_MILLISECONDS: Mapping[str, float] = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@attrs.frozen
class Load:
    """What wrk measured: requests a second, milliseconds within which 99 % were answered, and errors."""

    rate: float
    slow: float
    errors: str


def main() -> None:
    """Measure both servers in turns, and print a table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=5)
    asked.add_argument("--seconds", type=int, default=10)
    given = asked.parse_args()
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("wrk is not here: apt-get install wrk")
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        paths = _depot(folder)
        with _ours(folder) as (server, ours), _bare(folder / "same") as bare:
            before = _memory(server)
            for what, path in paths.items():
                urls = (f"{ours}{path}", f"{bare}/{what}")
                runs = [tuple(_load(wrk, url, given.seconds) for url in urls) for _ in range(given.runs)]
                print(_line(what, runs), flush=True)
            print(f"memory of the server: {before} MiB before, {_memory(server)} MiB after")


def _line(what: str, runs: list[tuple[Load, ...]]) -> str:
    ours, bare = (statistics.median(pair[side].rate for pair in runs) for side in (0, 1))
    slow = max(pair[0].slow for pair in runs)
    errors = [pair[0].errors for pair in runs if pair[0].errors]
    return (
        f"{what:9} {ours:8,.0f} requests/s, bare aiohttp {bare:8,.0f}: {ours / bare:.2f} of it; "
        f"99 % within {slow:.1f} ms at worst; errors: {errors or 'none'}"
    )


def _depot(folder: Path) -> dict[str, str]:
    """Mirror a project of 200 files, and a list of 8 MiB; the paths of both, and the same bytes as files."""
    index = folder / "index" / "demo"
    index.mkdir(parents=True)
    links = []
    for number in range(200):
        body = f"the bytes of {number}".encode()
        name = f"demo-{number}.0-py3-none-any.whl"
        (index / name).write_bytes(body)
        links.append(f'<a href="{name}#sha256={hashlib.sha256(body).hexdigest()}">{name}</a><br>')
    (index / "index.html").write_text(f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>")
    packages = random.Random(8).randbytes(8 * 1024**2)
    lists = folder / "lists"
    lists.mkdir()
    (lists / "Packages.xz").write_bytes(packages)
    (lists / "SHA256SUMS").write_text(f"{hashlib.sha256(packages).hexdigest()}  Packages.xz\n")
    (folder / "entrepot.toml").write_text(
        f'[repositories.tools]\ntype = "python"\nurl = "{(folder / "index").as_uri()}/"\n'
        f'[repositories.tools.options]\ninclude = ["demo"]\n'
        f'[repositories.lists]\ntype = "file"\nurl = "{(lists / "SHA256SUMS").as_uri()}"\n'
    )
    for word in ("init", "sync"):
        subprocess.run(_program(folder, word), check=True, stdout=subprocess.DEVNULL)  # this interpreter
    same = folder / "same"
    same.mkdir()
    (same / "packages").write_bytes(packages)
    with _ours(folder) as (_, address):
        page = subprocess.run(
            ["curl", "--silent", "--fail", "--header", f"Accept: {_JSON}", f"{address}/tools/simple/demo/"],
            check=True,
            capture_output=True,
        ).stdout
    (same / "page").write_bytes(page)
    return {"page": "/tools/simple/demo/", "packages": "/lists/Packages.xz"}


_JSON = "application/vnd.pypi.simple.v1+json"


def _program(folder: Path, *words: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "entrepot",
        "--config",
        str(folder / "entrepot.toml"),
        "--home",
        str(folder / "home"),
        *words,
    ]


@contextmanager
def _ours(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with _served(_program(folder, "serve", "--port", "0")) as serving:
        yield serving


@contextmanager
def _bare(folder: Path) -> Iterator[str]:
    with _served([sys.executable, "-c", _BARE, str(folder)]) as (_, address):
        yield address


@contextmanager
def _served(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        found = next(match for line in server.stdout if (match := _ADDRESS.search(line)))
        yield server, found[0]
    finally:
        server.terminate()
        server.wait(30)


def _load(wrk: str, url: str, seconds: int) -> Load:
    command = [wrk, "--threads", "1", "--connections", "64", "--duration", f"{seconds}s", "--latency"]
    said = subprocess.run(
        [*command, "--header", f"Accept: {_JSON}, */*;q=0.1", url], check=True, capture_output=True, text=True
    )
    rate, slow = _RATE.search(said.stdout), _LATENCY.search(said.stdout)
    assert rate, said.stdout
    assert slow, said.stdout
    return Load(float(rate[1]), float(slow[1]) * _MILLISECONDS[slow[2]], " ".join(_ERRORS.findall(said.stdout)))


def _memory(server: subprocess.Popen[str]) -> int:
    """Resident memory of a process, in MiB."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(re.findall(r"^VmRSS:\s+(\d+)", status, re.MULTILINE)[0]) // 1024


if __name__ == "__main__":
    main()
