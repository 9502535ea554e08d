"""Less memory than the work wants: an error that says so, nothing lost, and the work done once there is enough."""

from __future__ import annotations

import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from entrepot.testing.bad_origin import BadOrigin
from integration.program import Ended, Program
from integration.upstream import FirmwareUpstream

pytestmark = [pytest.mark.slow, pytest.mark.power, pytest.mark.fault("C10"), pytest.mark.promise("P24")]

#: Megabytes of address space, and kilobytes of it for the stack of each thread: where these are
#: small, memory itself runs out; where they are large, there is soon none for a thread more.
WANTS: Final = {"memory": (400, 256), "threads": (800, 300 * 1024)}

IMAGE: Final = random.Random(10).randbytes(100_000)


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    """The program, in a folder of its own."""
    if shutil.which("prlimit") is None:
        pytest.skip("memory is taken away by prlimit, which is not installed")
    made = Program(tmp_path / "here")
    made.environ["MALLOC_ARENA_MAX"] = "1"  # each arena would take address space, as many as there are processors
    yield made
    await made.close()


def limited(megabytes: int, stack: int) -> tuple[str, ...]:
    """Run with so much address space, and so much of it for the stack of each thread."""
    return ("prlimit", f"--as={megabytes * 1024 * 1024}", f"--stack={stack * 1024}")


def offer(upstream: FirmwareUpstream, *, notes: int) -> None:
    """List forty images, one of them with a note so long that the feed does not fit."""
    for number in range(40):
        upstream.add(f"image-{number}", IMAGE + bytes([number]))
    upstream.add("image-0", IMAGE, note="n" * notes)
    upstream.publish()


def check_told(done: Ended) -> None:
    """It ended by itself, in our words and with a remedy; or it came through."""
    assert done.code in (0, 5), done
    assert "Traceback" not in done.err
    assert done.code == 0 or ("too little memory" in done.err and "remedy: give it more" in done.err), done.err


@pytest.mark.parametrize("want", ["memory", pytest.param("threads", marks=pytest.mark.sweep)])
async def test_a_sync_with_too_little_memory_says_so_and_loses_nothing(
    origin: BadOrigin, program: Program, want: str
) -> None:
    """Version 1 stays as it was; with memory the same command makes version 2, and all of it is right."""
    upstream = FirmwareUpstream(origin)
    upstream.add("first", b"first")
    upstream.publish()
    program.configure({"fw": {"url": upstream.url, "concurrency": 40}})
    assert (await program.run("init")).code == 0
    assert (await program.run("sync")).code == 0
    offer(upstream, notes=60_000_000 if want == "memory" else 1)

    little = await program.run("sync", under=limited(*WANTS[want]))
    after = await program.run("verify")
    enough = await program.run("sync")
    whole = await program.run("verify")

    check_told(little)
    assert little.code == 5, "the limit took nothing away"
    assert (after.code, enough.code, whole.code) == (0, 0, 0), (after.err, enough.err, whole.err)
    assert program.litter() == []
