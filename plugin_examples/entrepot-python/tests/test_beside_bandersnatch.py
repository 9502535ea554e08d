"""bandersnatch beside entrepot: from one index the same files, and entrepot as the index of bandersnatch."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from entrepot.testing import Reply, served

pytestmark = [pytest.mark.clients, pytest.mark.slow]

Open = Callable[..., AbstractContextManager[Any]]

UPLOADED = "2024-01-02T03:04:05.678901Z"

CONFIGURATION = """\
[mirror]
directory = {folder}
master = {master}
allow-non-https = true
api-method = simple
json = true
simple-format = ALL
timeout = 20
workers = 2
hash-index = false
stop-on-error = true
"""


def stock(index: Any) -> None:
    """Give the index what bandersnatch asks for as well: counts of changes, and the older JSON."""
    index.add("demo", "demo-3.0-py3-none-any.whl")
    serials = {name: number for number, name in enumerate(index.pages, start=70)}
    listed = [{"name": name, "_last-serial": serial} for name, serial in serials.items()]
    for path in ("/simple", "/simple/"):
        index.serve(path, {"meta": {"api-version": "1.1"}, "projects": listed})
    for name, files in index.pages.items():
        releases: dict[str, list[dict[str, Any]]] = {}
        for file in files:
            file["upload-time"] = UPLOADED
            older = {
                "filename": file["filename"],
                "url": index.origin.url(f"/packages/{file['filename']}"),
                "digests": file["hashes"],
                "size": file["size"],
                "upload_time_iso_8601": UPLOADED,
                "requires_python": file.get("requires-python"),
            }
            releases.setdefault(file["filename"].split("-")[1].removesuffix(".tar.gz"), []).append(older)
        page = {"meta": {"api-version": "1.1"}, "name": name, "files": files, "versions": list(releases)}
        told = {"X-PyPI-Last-Serial": str(serials[name])}
        older_page = {"info": {"name": name}, "releases": releases, "last_serial": serials[name]}
        simple = {**told, "Content-Type": "application/vnd.pypi.simple.v1+json"}
        index.origin.on(f"/simple/{name}/", Reply(body=json.dumps(page).encode(), headers=simple))
        legacy = {**told, "Content-Type": "application/json"}
        index.origin.on(f"/pypi/{name}/json", Reply(body=json.dumps(older_page).encode(), headers=legacy))


async def bandersnatch(folder: Path, master: str) -> dict[str, str]:
    """Mirror everything of an index; the digests of the files that came, by name."""
    program = shutil.which("bandersnatch", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip("bandersnatch is not here: pip install bandersnatch")
    command = [program, "-c", configured(folder, master), "mirror"]
    output = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=asyncio.subprocess.STDOUT)
    said, _ = await asyncio.wait_for(process.communicate(), 120)
    complaints = [line for line in said.decode().splitlines() if " ERROR" in line or " WARNING" in line]
    assert (process.returncode, complaints) == (0, []), said.decode()
    return digests(folder / "mirror/web/packages")


def said_version() -> str:
    """Tell which bandersnatch this is."""
    found = shutil.which("bandersnatch", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found is not None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    return said.split()[-1]


def configured(folder: Path, master: str) -> str:
    """Write the configuration of a mirror of everything; where it is."""
    folder.mkdir()
    (folder / "conf").write_text(CONFIGURATION.format(folder=folder / "mirror", master=master))
    return str(folder / "conf")


def digests(folder: Path) -> dict[str, str]:
    """The files below a folder: their names, and the digests of what is really in them."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*") if file.is_file()}


@asynccontextmanager
async def at_a_root(folder: str) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve a folder of another server at the root of a host of its own, as a proxy in front of it does."""
    where: list[str] = [folder]

    async def pass_on(request: web.Request) -> web.Response:
        async with (
            aiohttp.ClientSession(auto_decompress=False) as client,
            client.get(
                f"{where[0]}{request.rel_url.raw_path}", headers={"Accept": request.headers["Accept"]}
            ) as answer,
        ):
            told = {name: value for name, value in answer.headers.items() if name.startswith(("X-", "Content-Type"))}
            return web.Response(status=answer.status, headers=told, body=await answer.read())

    app = web.Application()
    app.router.add_get("/{path:.*}", pass_on)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", where
    finally:
        await runner.cleanup()


@pytest.mark.promise("P02")
async def test_bandersnatch_has_the_same_files_from_the_index_and_from_its_mirror(
    open_mirror: Open, index: Any, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Neither loses or changes one, and it complains about neither."""
    stock(index)
    theirs = await bandersnatch(tmp_path / "theirs", index.origin.url(""))

    async with at_a_root("") as (root, behind):
        options = {"include": ["*"], "legacy_json": True, "base_url": root}
        with open_mirror([], options=options) as mirror:
            await mirror.sync()
            pages = [mirror.page(name) for name in index.pages]
            async with served(mirror.depot) as address:
                behind[0] = f"{address}/tools"
                through_us = await bandersnatch(tmp_path / "through us", root)

    ours = {file["filename"]: file["hashes"]["sha256"] for page in pages for file in page["files"]}
    assert ours == theirs
    assert through_us == theirs
    assert len(theirs) == 4
    record_property("tried", ["bandersnatch", said_version(), "immediate", "mirror everything"])
