"""A kernel that says EIO: whatever it does to reading, writing and syncing, no byte is believed that is not there."""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from entrepot.testing.bad_origin import BadOrigin
from integration.program import Program, stopped
from integration.upstream import FirmwareUpstream

pytestmark = [pytest.mark.slow, pytest.mark.power, pytest.mark.fault("C08"), pytest.mark.promise("P24")]

#: Larger than what a pipe or a socket takes at one go.
BODY: Final = random.Random(8).randbytes(3_000_000)

#: All calls that bring bytes of a file into a process, or out of it onto a socket.
READS: Final = "read,pread64,readv,preadv,preadv2,sendfile,mmap"

#: What storage syncs with, and what SQLite does.
SYNCS: Final = ("fsync", "fdatasync", "syncfs")

#: What the default run tries of the sweep: the first sync of stored files.
TRIED: Final = {("fsync", 1)}


@pytest.fixture
def strace() -> str:
    """The program that lets system calls fail; skips where there is none, or nobody may be traced."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("a kernel's errors are injected by strace, which is not installed")
    tried = subprocess.run([found, "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"nobody may be traced here: {tried.stderr.strip()}")
    return found


@pytest.fixture
async def program(origin: BadOrigin, tmp_path: Path) -> AsyncIterator[Program]:
    """The program, in a folder of its own, with an upstream of two images."""
    made = Program(tmp_path / "here")
    upstream = FirmwareUpstream(origin)
    upstream.add("large", BODY)
    upstream.add("small", b"small")
    upstream.publish()
    made.configure({"fw": {"url": upstream.url}})
    assert (await made.run("init")).code == 0
    yield made
    await made.close()


def failing(strace: str, *calls: str, when: str, path: Path | None = None) -> tuple[str, ...]:
    """Run traced by strace, which says EIO in place of these calls: on one path, or on any.

    It stands beside the program (-D), so that signals meet the program itself.
    """
    known = ("-P", str(path)) if path is not None else ()
    chosen = ",".join(calls)
    inject = ("-e", f"trace={chosen}", "-e", f"inject={chosen}:error=EIO:when={when}")
    return (strace, "-D", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", *known, *inject)


def held(program: Program, body: bytes) -> Path:
    """Where these bytes stand."""
    digest = hashlib.sha256(body).hexdigest()
    return program.home / "storage/sha256" / digest[:2] / digest[2:]


def all_held(program: Program) -> dict[str, str]:
    """Every final name, with the digest of what stands under it."""
    files = program.home.glob("storage/sha256/*/*")
    return {file.parent.name + file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize(
    ("call", "when"),
    [
        pytest.param(call, when, marks=() if (call, when) in TRIED else pytest.mark.sweep)
        for call in SYNCS
        for when in range(1, 7)
    ],
)
async def test_what_could_not_be_synced_is_not_believed(
    origin: BadOrigin, program: Program, strace: str, call: str, when: int
) -> None:
    """The n-th sync of each thread fails: an error of ours, no version, and the next sync has it all."""
    failed = await program.run("sync", under=failing(strace, call, when=str(when)))
    names = all_held(program)
    versions = await program.run("versions", "fw", "--json")

    again = await program.run("sync")

    assert failed.code in (0, 5), failed.err
    assert "Traceback" not in failed.err
    assert failed.code == 0 or "remedy" in failed.err
    assert (failed.code == 0) == bool(versions.out.strip()), versions
    assert all(name == digest for name, digest in names.items()), "wrong bytes under a final name"
    assert again.code == 0, again.err
    assert (await program.run("verify")).code == 0
    assert program.litter() == []


async def test_a_file_that_cannot_be_read_is_named_and_left_as_it_is(program: Program, strace: str) -> None:
    """Verify goes on with the others; what the disk gives again next time was never touched."""
    assert (await program.run("sync")).code == 0
    bad = held(program, BODY)

    told = await program.run("verify", under=failing(strace, *READS.split(","), when="1+", path=bad))
    again = await program.run("verify")

    assert told.code == 4, told.err
    assert f"{bad.parent.name}{bad.name}" in told.out + told.err
    assert "unreadable" in told.out + told.err
    assert again.code == 0, again.err
    assert bad.read_bytes() == BODY


@pytest.mark.promise("P09")
@pytest.mark.parametrize(
    "when", [pytest.param("1", marks=pytest.mark.sweep), "2+"], ids=["at first", "within the body"]
)
async def test_a_body_that_cannot_be_read_is_never_a_whole_answer(
    origin: BadOrigin, program: Program, strace: str, when: str
) -> None:
    """The connection breaks, or the bytes come from upstream; other files are served as before."""
    assert (await program.run("sync")).code == 0
    calls = READS.split(",")
    server, address = await program.serve(under=failing(strace, *calls, when=when, path=held(program, BODY)))

    given = await got(address, "large")
    other = await got(address, "small")
    done = await stopped(server)

    assert given in (None, BODY), "a part was given as the whole"
    assert other == b"small"
    assert "Traceback" not in done.err


async def got(address: str, name: str) -> bytes | None:
    """What a client takes for a whole and good answer; None when it was told that there is none."""
    async with aiohttp.ClientSession() as client, asyncio.timeout(30):
        try:
            async with client.get(f"{address}/fw/{name}.bin") as answer:
                body = await answer.read()
                return body if answer.status == 200 else None
        except aiohttp.ClientError:
            return None
