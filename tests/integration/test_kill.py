"""kill -9 at any moment of a sync: nothing partial is seen, nothing is lost, nothing is fetched twice."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from entrepot.catalog.rows import Located
from entrepot.depot import Depot
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.depots import depot
from integration import firmware
from integration.upstream import FirmwareUpstream

IMAGES = 12
KILLS = 100


class Zygote:
    """The process that syncs are forked from, and killed."""

    def __init__(self, process: asyncio.subprocess.Process, order: dict[str, Any]) -> None:
        self._process = process
        self._order = order

    async def sync(self, *, kill_after: float | None = None) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({**self._order, "kill_after": kill_after}).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return answer


@pytest.fixture
def upstream(origin: BadOrigin) -> FirmwareUpstream:
    """An upstream whose images all change from one state to the next."""
    return FirmwareUpstream(origin)


def next_state(upstream: FirmwareUpstream, state: int) -> None:
    for number in range(IMAGES):
        size = 200_000 if number % 6 == 0 else 3_000
        upstream.add(f"image-{number}", random.Random(f"{state} {number}").randbytes(size))
    upstream.publish()


@pytest.fixture
async def zygote(tmp_path: Path, upstream: FirmwareUpstream) -> AsyncIterator[Zygote]:
    """A zygote for the depot of this test."""
    order = {"folder": str(tmp_path / "depot"), "repositories": configured(upstream), "catalog": None}
    tests = Path(__file__).parent.parent
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("zygote.py")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *sys.path])},
    )
    yield Zygote(process, order)
    assert process.stdin is not None
    process.stdin.close()
    await process.wait()


def configured(upstream: FirmwareUpstream) -> dict[str, Any]:
    return {"fw": {"type": "firmware", "url": upstream.url, "mirror": True}}


def opened(tmp_path: Path, upstream: FirmwareUpstream) -> Any:
    return depot(tmp_path / "depot", configured(upstream), plugins=[("firmware", firmware)], installed=False)


def finished(depot: Depot, since: int = 0) -> dict[int, dict[str, bytes]]:
    """Every visible version from a number on: what is served at each path."""
    reader = depot.catalog.reader
    versions = {}
    for row in reader.versions("fw"):
        if row.number < since:
            continue
        members = reader.members("fw", row.number)
        paths = [f"{json.loads(member.key)[1]}.bin" for member in members]
        located = [reader.locate("fw", row.number, path) for path in paths]
        versions[row.number] = {path: served(depot, at) for path, at in zip(paths, located, strict=True)}
    return versions


def served(depot: Depot, at: list[Located]) -> bytes:
    (answer,) = at
    assert answer.artifact is not None
    with depot.storage.open(answer.artifact.sha256) as file:
        return file.read()


def stored(tmp_path: Path, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """Digests of the files under final names; each file not yet known must have the bytes its name says."""
    digests = set()
    for path in (tmp_path / "depot").glob("home/storage/sha256/*/*"):
        digest = path.parent.name + path.name
        if digest not in known:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == digest, "wrong bytes stand under a final name"
        digests.add(digest)
    return frozenset(digests)


@pytest.mark.power
async def test_a_sync_killed_at_any_moment_loses_nothing(
    tmp_path: Path, upstream: FirmwareUpstream, zygote: Zygote
) -> None:
    """At each of a hundred seeded moments: old versions unchanged, no partial one, no byte asked for twice.

    The seed is fixed; a failure names the moment.
    """
    seed = int(os.environ.get("ENTREPOT_TEST_SEED", "7"))
    moments = random.Random(seed)
    next_state(upstream, 0)
    first = await zygote.sync()
    expected = {1: {f"{name}.bin": body for name, body in upstream.images.items()}}
    next_state(upstream, -1)
    longest = min(first["seconds"], (await zygote.sync())["seconds"])  # the first of all has more to do
    expected[2] = {f"{name}.bin": body for name, body in upstream.images.items()}
    state = 0
    killed, held = 0, stored(tmp_path)

    while killed < KILLS:
        state += 1
        assert state < 3 * KILLS, f"only {killed} of {state} runs were killed before their end"
        next_state(upstream, state)
        moment = moments.uniform(0, longest)
        result = await zygote.sync(kill_after=moment)
        killed += result["killed"]
        held = stored(tmp_path, held)
        with opened(tmp_path, upstream) as seen:
            visible = finished(seen, since=len(expected))
        new = {f"{name}.bin": body for name, body in upstream.images.items()}
        number = len(expected) + 1
        latest = {number - 1: expected[number - 1]}
        assert visible in (latest, {**latest, number: new}), f"after a kill at {moment:.4f} s, seed {seed}"

        before = len(upstream.origin.requests)
        recovered = await zygote.sync()

        assert recovered["status"] == 0, recovered
        asked = {request.path.rpartition("/")[2] for request in upstream.origin.requests[before:]}
        again = {path for path, body in new.items() if hashlib.sha256(body).hexdigest() in held and path in asked}
        assert not again, f"asked for again after a kill at {moment:.4f} s, seed {seed}"
        expected[number] = new

    with opened(tmp_path, upstream) as seen:
        assert finished(seen) == expected
    assert stored(tmp_path) >= held
    home = tmp_path / "depot" / "home"
    assert [*home.glob("scratch-*"), *home.glob("storage/tmp/*")] == []
