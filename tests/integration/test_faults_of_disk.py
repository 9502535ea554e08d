"""Disks that are full, read-only or gone, and too few files: told clearly, nothing lost, healed by itself."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import aiohttp
import pytest

from entrepot.testing.bad_origin import BadOrigin
from integration.program import Ended, Program, stopped
from integration.upstream import FirmwareUpstream

pytestmark = pytest.mark.slow

#: Larger than what waits in memory, so that each is written as a file.
BODY = random.Random(6).randbytes(300_000)


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """Mount something for as long as the test runs; skip where that is refused."""
    mounted: list[Path] = []

    def mount_at(place: Path, *how: str) -> None:
        place.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["mount", *how, str(place)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"this machine lets nobody mount: {done.stderr.strip()}")
        if place not in mounted:
            mounted.append(place)

    yield mount_at
    for place in mounted:
        subprocess.run(["umount", "-l", str(place)], check=False)


def upstream_of(origin: BadOrigin, *names: str) -> FirmwareUpstream:
    """An upstream with these images."""
    upstream = FirmwareUpstream(origin)
    for name in names:
        upstream.add(name, BODY + name.encode())
    upstream.publish()
    return upstream


async def get(address: str, name: str) -> tuple[int, bytes]:
    """Ask a server for an image."""
    async with aiohttp.ClientSession() as client, client.get(f"{address}/fw/{name}.bin") as answer:
        return answer.status, await answer.read()


def check_told(done: Ended, code: int, *words: str) -> None:
    """It failed in our words, a few lines of them."""
    assert done.code == code, done.err
    assert all(word in done.err for word in words), done.err
    assert "Traceback" not in done.err
    assert done.err.count("error:") <= 3, done.err


@pytest.mark.power
@pytest.mark.fault("C05", "C06")
@pytest.mark.promise("P24")
@pytest.mark.parametrize("what", ["store", "home"])
async def test_a_full_disk_keeps_what_was_and_heals_with_room(
    origin: BadOrigin, program: Program, mount: Callable[..., None], tmp_path: Path, what: str
) -> None:
    """Told once, not for each of forty files; version 1 is served; with room the same command succeeds."""
    disk = tmp_path / "disk"
    mount(disk, "-t", "tmpfs", "-o", "size=6m", "tmpfs")
    upstream = upstream_of(origin, "first")
    places = {"storage": (disk / "store").as_uri()} if what == "store" else {}
    if what == "home":
        program.environ["ENTREPOT_HOME"] = str(disk / "home")
    program.configure({"fw": {"url": upstream.url, "concurrency": 40}}, **places)
    assert (await program.run("init")).code == 0
    assert (await program.run("sync")).code == 0
    upstream = upstream_of(origin, "first", *(f"image-{number}" for number in range(40)))

    full = await program.run("sync")
    server, address = await program.serve()
    first = await get(address, "first")
    await stopped(server)
    mount(disk, "-o", "remount,size=100m")
    healed = await program.run("sync")

    check_told(full, 5, "full", "remedy")
    assert first == (200, BODY + b"first")
    assert healed.code == 0, healed.err


@pytest.mark.power
@pytest.mark.fault("C05", "C07")
@pytest.mark.promise("P24")
@pytest.mark.parametrize("how", ["full", "read-only"])
async def test_a_server_on_a_disk_that_takes_nothing_serves_what_it_holds(
    origin: BadOrigin, program: Program, mount: Callable[..., None], tmp_path: Path, how: str
) -> None:
    """What would have to be fetched is 503 in one line; when the disk heals, so does the answer."""
    home = tmp_path / "disk"
    mount(home, "-t", "tmpfs", "-o", "size=20m", "tmpfs")
    program.environ["ENTREPOT_HOME"] = str(home)
    upstream = upstream_of(origin, "held", "cold")
    program.configure({"fw": {"url": upstream.url, "policy": "on_demand"}})
    assert (await program.run("init")).code == 0
    assert (await program.run("sync")).code == 0
    server, address = await program.serve()
    assert (await get(address, "held"))[0] == 200

    if how == "full":
        filler = home / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass
    else:
        mount(home, "-o", "remount,ro")
    held, cold = await get(address, "held"), await get(address, "cold")
    if how == "full":
        filler.unlink()
    else:
        mount(home, "-o", "remount,rw")
    await asyncio.sleep(5.5)  # for so long a failed fetch is not tried again
    healed = await get(address, "cold")
    done = await stopped(server)

    assert held == (200, BODY + b"held")
    assert (cold[0], cold[1].count(b"\n")) == (503, 1) or cold == (200, BODY + b"cold")
    assert healed == (200, BODY + b"cold")
    assert "Traceback" not in done.err


@pytest.mark.fault("C09")
@pytest.mark.promise("P24")
async def test_a_sync_with_few_files_completes_or_says_why(origin: BadOrigin, program: Program) -> None:
    """Sixty-four open files for forty downloads at once; with more of them it completes."""
    upstream = upstream_of(origin, *(f"image-{number}" for number in range(40)))
    program.configure({"fw": {"url": upstream.url, "concurrency": 40}})
    assert (await program.run("init")).code == 0

    few = await program.run("sync", under=limited(64))
    more = await program.run("sync")

    if few.code:
        assert "too many" in few.err.lower(), few.err
        assert "Traceback" not in few.err
        assert few.err.count("error:") <= 3, few.err
    assert more.code == 0, more.err


@pytest.mark.fault("C11")
@pytest.mark.promise("P24")
async def test_a_server_goes_on_while_another_program_holds_the_catalog(origin: BadOrigin, program: Program) -> None:
    """Reading needs no lock that a writer could keep."""
    upstream = upstream_of(origin, "held")
    program.configure({"fw": {"url": upstream.url}})
    assert (await program.run("init")).code == 0
    assert (await program.run("sync")).code == 0
    other = sqlite3.connect(program.home / "catalog.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    server, address = await program.serve()
    answer = await get(address, "held")
    await stopped(server)
    other.close()

    assert answer == (200, BODY + b"held")


def truncated(file: Path) -> None:
    """Take the second half away."""
    with file.open("r+b") as catalog:
        catalog.truncate(file.stat().st_size // 2 // 4096 * 4096)


def flipped(file: Path) -> None:
    """Turn every bit of the page where the schema begins."""
    whole = bytearray(file.read_bytes())
    whole[100:4096] = bytes(byte ^ 255 for byte in whole[100:4096])
    file.write_bytes(whole)


def foreign(file: Path) -> None:
    """Put something else in its place."""
    file.write_bytes(b"this is no database\n" * 1000)


@pytest.mark.fault("C12")
@pytest.mark.promise("P24")
@pytest.mark.parametrize("damage", [truncated, flipped, foreign])
async def test_a_damaged_catalog_is_refused_and_left_as_it_is(
    origin: BadOrigin, program: Program, damage: Callable[[Path], None]
) -> None:
    """Never made anew in silence; the error tells of the backup."""
    upstream = upstream_of(origin, "held")
    program.configure({"fw": {"url": upstream.url}})
    assert (await program.run("init")).code == 0
    assert (await program.run("sync")).code == 0
    file = program.home / "catalog.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    damage(file)
    before = file.read_bytes()

    done = await program.run("sync")

    check_told(done, 5, "backup")
    assert file.read_bytes()[:4096] == before[:4096]


def without_log(catalog: Path) -> list[int]:
    """Remove what SQLite keeps beside the file; the versions that were there with it."""
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as connection:
        held = [number for (number,) in connection.execute("SELECT number FROM repository_version ORDER BY 1")]
        for end in ("-wal", "-shm"):
            catalog.with_name(catalog.name + end).unlink()
    return held


@pytest.mark.fault("C12")
@pytest.mark.promise("P01", "P03")
async def test_a_catalog_whose_log_was_removed_is_what_it_was_before(origin: BadOrigin, program: Program) -> None:
    """Nobody can tell that version 2 was there: version 1 is whole, as its sync left it, and a sync makes 2 anew."""
    upstream = upstream_of(origin, "first")
    program.configure({"fw": {"url": upstream.url}})
    assert (await program.run("init")).code == 0
    assert (await program.run("sync")).code == 0
    upstream = upstream_of(origin, "first", "second")
    program.environ["ENTREPOT_FAILPOINTS"] = "catalog.merge_log=kill"
    killed = await program.run("sync")
    del program.environ["ENTREPOT_FAILPOINTS"]
    held = without_log(program.home / "catalog.sqlite")
    origin.requests.clear()

    before = await program.run("versions", "fw", "--json")
    again = await program.run("sync")
    whole = await program.run("verify")

    assert killed.code == -signal.SIGKILL
    assert held == [1, 2]
    assert [json.loads(line)["version"] for line in before.out.splitlines()] == [1]
    assert again.code == 0, again.err
    assert upstream.artifact_requests() <= 1
    assert whole.code == 0, whole.err
    assert program.litter() == []


@pytest.mark.fault("C17")
@pytest.mark.promise("P24")
async def test_ten_thousand_leftovers_are_swept_in_bounded_time(origin: BadOrigin, program: Program) -> None:
    """Scratch folders and temporary files of processes that are gone; the first sync after has its version."""
    upstream = upstream_of(origin, "held")
    program.configure({"fw": {"url": upstream.url}})
    assert (await program.run("init")).code == 0
    dead = program.home / "storage/tmp/dead"
    dead.mkdir(parents=True)
    for number in range(10_000):
        (dead / f"{number}").write_bytes(b"x")
    scratch = program.home / "scratch-dead"
    scratch.mkdir()
    for number in range(100):
        (scratch / f"{number}").write_bytes(b"x")

    async with asyncio.timeout(30):
        done = await program.run("sync")

    assert done.code == 0, done.err
    assert not scratch.exists()
    shutil.rmtree(dead, ignore_errors=True)


def limited(files: int) -> tuple[str, ...]:
    """Run below a shell that allows so many open files."""
    return ("/bin/sh", "-c", f'ulimit -n {files}; exec "$@"', "sh")
