"""Pruning whole depots: what stays reads as before, what nothing needs is gone, whatever happens beside it."""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from entrepot.depot import Depot
from entrepot.errors import EntrepotError
from entrepot.failpoints import arm
from entrepot.operations.prune import Pruned, prune
from entrepot.operations.sync import sync
from entrepot.testing.depots import depot
from entrepot.testing.invariants import check_depot
from entrepot.testing.serving import served

pytestmark = pytest.mark.slow

#: Everything that an upstream may have: names to one of a few bodies, many names sharing some.
NAMES = tuple(f"file-{number}.bin" for number in range(6))
BODIES = tuple(f"body {number} ".encode() * 40 for number in range(4))


class Upstream:
    """A folder with a manifest, rewritten for each state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return (self.folder / "PULP_MANIFEST").as_uri()

    def offer(self, files: Mapping[str, bytes]) -> None:
        lines = []
        for name, body in files.items():
            (self.folder / name).write_bytes(body)
            lines.append(f"{name},{hashlib.sha256(body).hexdigest()},{len(body)}\n")
        (self.folder / "PULP_MANIFEST").write_text("".join(lines))


def configured(*upstreams: Upstream, **more: Any) -> dict[str, dict[str, Any]]:
    """A mirrored repository for each upstream."""
    return {
        f"repo-{number}": {
            "type": "file", "url": upstream.url, "mirror": True, "allow_private": True, "guard_loss": "100 %", **more
        }
        for number, upstream in enumerate(upstreams)
    }  # fmt: skip


def synced(opened: Depot, name: str) -> int | None:
    """Sync, and give the number of the version that was made."""
    outcome = asyncio.run(sync(opened, name))
    return None if outcome.version is None else outcome.version.number


def read(opened: Depot, name: str, number: int) -> dict[str, bytes]:
    """What a version holds: every file at its path, byte by byte, without the lists of them."""
    found = {}
    for path in opened.catalog.reader.children(name, number, ""):
        (located, *_) = opened.catalog.reader.locate(name, number, path)
        if located.body is not None:
            continue
        assert located.artifact is not None, (name, number, path)
        with opened.storage.open(located.artifact.sha256) as file:
            found[path] = file.read()
    return found


def stands(opened: Depot) -> set[bytes]:
    """Every digest that a file stands under."""
    return {one.sha256 for one in opened.storage.walk() if one.sha256 is not None}


def digests(versions: Mapping[Any, Mapping[str, bytes]]) -> set[bytes]:
    """The digests of all that versions hold."""
    return {hashlib.sha256(body).digest() for files in versions.values() for body in files.values()}


states = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(BODIES), min_size=1)
steps = st.lists(
    st.tuples(st.just("sync"), st.integers(0, 1), states) | st.tuples(st.just("prune"), st.integers(1, 3), st.just({})),
    min_size=3,
    max_size=10,
)


@pytest.mark.promise("P19")
@settings(
    max_examples=8, deadline=None, derandomize=True, phases=(Phase.generate,), suppress_health_check=[*HealthCheck]
)
@given(steps=steps)
def test_versions_that_stay_read_as_before_and_nothing_else_stays(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Any]
) -> None:
    """Against a model: after any history, exactly what kept versions hold is there after a quiet prune."""
    folder = tmp_path_factory.mktemp("history")
    upstreams = [Upstream(folder / "a"), Upstream(folder / "b")]
    model: dict[tuple[str, int], dict[str, bytes]] = {}

    with depot(folder / "depot", configured(*upstreams)) as opened:
        for what, number, state in steps:
            if what == "sync":
                upstreams[number].offer(state)
                made = synced(opened, f"repo-{number}")
                if made is not None:
                    model[f"repo-{number}", made] = dict(state)
            else:
                reckoned = prune(opened, keep=number, dry_run=True)
                done = prune(opened, keep=number)
                assert told(done) == told(reckoned)
                for name in {name for name, _ in model}:
                    kept = sorted(made for other, made in model if other == name)[-number:]
                    for made in [made for other, made in model if other == name and made not in kept]:
                        del model[name, made]
                assert stands(opened) == digests(model)
        for (name, made), files in model.items():
            assert read(opened, name, made) == files
        check_depot(opened)


def told(pruned: Pruned) -> tuple[Any, ...]:
    """What a dry run must say as the prune itself does."""
    return pruned.versions, pruned.contents, pruned.artifacts, pruned.artifact_bytes, pruned.files


@pytest.fixture
def alternating(tmp_path: Path) -> Iterator[tuple[Depot, Upstream]]:
    """A depot whose upstream comes and goes between two states."""
    upstream = Upstream(tmp_path / "upstream")
    with depot(tmp_path / "depot", configured(upstream)) as opened:
        yield opened, upstream


@pytest.mark.promise("P19")
@pytest.mark.fault("D03")
def test_pruning_in_a_loop_beside_syncs_that_reuse_what_is_dead(
    tmp_path: Path, alternating: tuple[Depot, Upstream]
) -> None:
    """Each sync needs what the prune beside it is deleting: every version reads whole, no sync fails."""
    opened, upstream = alternating
    ended, failed, rounds = threading.Event(), [], []

    def keep_pruning() -> None:
        with depot(tmp_path / "depot", configured(upstream)) as other:
            while not ended.is_set():
                try:
                    rounds.append(prune(other, keep=1, patience=0))
                except Exception as error:
                    failed.append(error)
                    return

    states = [{name: f"{state} {name}".encode() * 100 for name in NAMES} for state in ("odd", "even")]
    pruning = threading.Thread(target=keep_pruning)
    pruning.start()
    try:
        for turn in range(16):
            upstream.offer(states[turn % 2])
            number = synced(opened, "repo-0")
            assert number == turn + 1
            assert read(opened, "repo-0", number) == states[turn % 2]
    finally:
        ended.set()
        pruning.join()
    prune(opened, keep=1)

    check_depot(opened)
    assert not failed
    assert sum(one.artifacts for one in rounds) > 0
    assert stands(opened) == digests({0: states[1]})


@pytest.mark.promise("P21")
@pytest.mark.fault("D06")
def test_who_reads_a_file_reads_on_while_it_is_collected(alternating: tuple[Depot, Upstream]) -> None:
    """Twenty open files are read to their end after their versions and names are gone."""
    opened, upstream = alternating
    bodies = {f"{number}.bin": random.Random(number).randbytes(50_000) for number in range(20)}
    upstream.offer(bodies)
    synced(opened, "repo-0")
    files = {name: opened.storage.open(hashlib.sha256(body).digest()) for name, body in bodies.items()}
    begun = {name: file.read(1000) for name, file in files.items()}
    upstream.offer({"other.bin": b"other"})
    synced(opened, "repo-0")

    pruned = prune(opened, keep=1)

    assert pruned.artifacts == 20
    assert stands(opened) == {hashlib.sha256(b"other").digest()}
    for name, file in files.items():
        with file:
            assert begun[name] + file.read() == bodies[name]


def test_each_repository_keeps_what_it_is_configured_to(tmp_path: Path) -> None:
    """Without a number on the command line `keep_versions` counts, and without that all versions stay."""
    upstreams = [Upstream(tmp_path / "a"), Upstream(tmp_path / "b")]
    repositories = configured(*upstreams)
    repositories["repo-0"]["keep_versions"] = 2
    with depot(tmp_path / "depot", repositories) as opened:
        for turn in range(4):
            for number, upstream in enumerate(upstreams):
                upstream.offer({"a.bin": f"{number} {turn}".encode()})
                synced(opened, f"repo-{number}")

        pruned = prune(opened)

        assert pruned.versions == {"repo-0": [1, 2]}
        assert pruned.artifacts == 2
        assert [row.number for row in opened.catalog.reader.versions("repo-1")] == [1, 2, 3, 4]


@pytest.mark.promise("P20")
@pytest.mark.parametrize("step", ["catalog.commit", "catalog.committed", "storage.unlink"])
def test_a_prune_that_ends_anywhere_leaves_litter_and_the_next_one_takes_it(
    alternating: tuple[Depot, Upstream], step: str
) -> None:
    """Broken off at its first, second, third ... step until it gets through: never a hole, and nothing for ever."""
    opened, upstream = alternating
    broken_off = 0
    upstream.offer({"first.bin": b"first", "second.bin": b"second", "third.bin": b"third"})
    synced(opened, "repo-0")

    for hit in range(1, 50):
        state = {name: f"{hit} {name}".encode() for name in NAMES[:3]}
        upstream.offer(state)
        number = synced(opened, "repo-0")
        assert number is not None
        with arm(f"{step}=raise@{hit}") as armed:
            try:
                prune(opened, keep=1)
            except (EntrepotError, OSError):
                broken_off += 1
        check_depot(opened)
        assert read(opened, "repo-0", number) == state
        prune(opened, keep=1)
        assert stands(opened) == digests({0: state})
        if not armed.fired:
            break

    assert broken_off >= 3
    assert not armed.fired


@pytest.mark.promise("P19")
async def test_what_is_fetched_on_demand_beside_a_prune_arrives_and_is_kept(tmp_path: Path) -> None:
    """A server fetches while another process's prune sweeps: right bodies, and in the end rows with their files."""
    upstream = Upstream(tmp_path / "upstream")
    bodies = {f"{number}.bin": random.Random(number).randbytes(20_000) for number in range(12)}
    upstream.offer(bodies)
    repositories = configured(upstream, policy="on_demand")
    ended = threading.Event()

    def keep_pruning() -> int:
        with depot(tmp_path / "depot", repositories) as other:
            rounds = 0
            while not ended.is_set():
                prune(other, keep=1, patience=0)
                rounds += 1
            return rounds

    with depot(tmp_path / "depot", repositories) as opened:
        await sync(opened, "repo-0")
        async with served(opened) as address:
            pruning = asyncio.create_task(asyncio.to_thread(keep_pruning))
            async with aiohttp.ClientSession() as client:
                for _ in range(2):
                    for name, body in bodies.items():
                        async with client.get(f"{address}/repo-0/{name}") as answer:
                            assert await answer.read() == body
            ended.set()
            assert await pruning > 0
        check_depot(opened)
        assert stands(opened) <= digests({0: bodies})
