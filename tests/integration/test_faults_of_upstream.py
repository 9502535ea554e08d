"""Faults of an upstream as a whole sync meets them: bounded, told, and the version before stays."""

from __future__ import annotations

import hashlib
import json
import random
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from entrepot.depot import Depot
from entrepot.errors import EntrepotError
from entrepot.operations.sync import sync
from entrepot.plugin import Failed
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply, Seen
from integration.opening import OpenDepot
from integration.upstream import FirmwareUpstream

QUICK = {"min_throughput": 1000, "throughput_window": 0.3, "connect_timeout": 0.5, "header_timeout": 0.5}


@pytest.fixture
def any_catalog() -> None:
    """SQLite alone: what an upstream does never gets as far as the catalog."""


@pytest.fixture
def upstream(origin: BadOrigin) -> FirmwareUpstream:
    """Three good images."""
    made = FirmwareUpstream(origin)
    for number in range(3):
        made.add(f"good-{number}", bytes([number]) * 1000)
    made.publish()
    return made


def table(url: str, **changes: Any) -> dict[str, Any]:
    """The configuration of the one repository."""
    return {"fw": {"type": "firmware", "url": url, "retries": 2, **QUICK, **changes}}


def held(depot: Depot, number: int) -> dict[str, bytes]:
    """Every member of a version, with its bytes."""
    found = {}
    for row in depot.catalog.reader.members("fw", number, limit=10_000):
        (path,) = [f"{json.loads(row.key)[1]}.bin"]
        (located,) = depot.catalog.reader.locate("fw", number, path)
        assert located.artifact is not None
        with depot.storage.open(located.artifact.sha256) as file:
            found[path] = file.read()
    return found


def versions(depot: Depot) -> list[int]:
    """The numbers of all versions."""
    return [row.number for row in depot.catalog.reader.versions("fw")]


@pytest.mark.fault("A01")
@pytest.mark.promise("P06", "P25")
@pytest.mark.parametrize("status", [500, 503])
async def test_metadata_that_heals_is_read_and_metadata_that_does_not_ends_the_sync(
    open_depot: OpenDepot, upstream: FirmwareUpstream, status: int
) -> None:
    """Tries are counted; the version before stays, and the next sync needs nothing but the list."""
    feed = upstream.origin
    with open_depot(table(upstream.url)) as depot:
        good = Reply.file(json.dumps([]).encode())
        feed.on("/fw/feed.json", Reply(status=status), Reply(status=status), good)
        await sync(depot, "fw")
        assert feed.count("/fw/feed.json") == 3

        feed.on("/fw/feed.json", Reply(status=status))
        before = feed.count("/fw/feed.json")
        with pytest.raises(EntrepotError, match=str(status)) as caught:
            await sync(depot, "fw")

        assert feed.count("/fw/feed.json") == before + 3
        assert caught.value.exit_code == 3
        assert "/fw/feed.json" in str(caught.value)
        assert versions(depot) == [1]


@pytest.mark.fault("A02")
@pytest.mark.promise("P05", "P06")
async def test_one_file_of_a_thousand_fails_and_the_rest_are_kept_for_the_next_sync(
    open_depot: OpenDepot, upstream: FirmwareUpstream
) -> None:
    """No version is made of 999, and none of them is asked for twice."""
    for number in range(997):
        upstream.add(f"image-{number}", f"image {number}".encode())
    upstream.publish()
    upstream.origin.on("/fw/image-400.bin", Reply(status=500))
    with open_depot(table(upstream.url, retries=0)) as depot:
        with pytest.raises(EntrepotError, match="500"):
            await sync(depot, "fw")

        assert versions(depot) == []
        before = len(upstream.origin.requests)
        upstream.origin.put("/fw/image-400.bin", upstream.images["image-400"])
        outcome = await sync(depot, "fw")

        assert outcome.added == 1000
        again = [request.path for request in upstream.origin.requests[before:] if request.path != "/fw/feed.json"]
        assert again == ["/fw/image-400.bin"]


@pytest.mark.fault("A04")
@pytest.mark.promise("P06", "P25", "P28")
async def test_an_upstream_that_is_gone_leaves_what_it_gave(open_depot: OpenDepot, upstream: FirmwareUpstream) -> None:
    """A closed port is told as such, within seconds; the version before is held, byte by byte."""
    async with BadOrigin() as gone:
        last = FirmwareUpstream(gone)
        last.add("good-0", b"the bytes")
        last.publish()
        with open_depot(table(last.url)) as depot:
            await sync(depot, "fw")
    began = time.monotonic()

    with open_depot(table(last.url, retries=1)) as depot:
        with pytest.raises(EntrepotError, match="connection refused") as caught:
            await sync(depot, "fw")

        assert time.monotonic() - began < 15
        assert (caught.value.exit_code, held(depot, 1)) == (3, {"good-0.bin": b"the bytes"})


SLOW = {
    "a head byte by byte": (Reply(body=b"[]", head_trickle=0.05), "head"),
    "no head": (Reply(body=b"[]", pause=60), "head"),
    "a body byte by byte": (Reply(body=b"[" + b" " * 5000 + b"]", trickle=0.02, piece=1), "bytes came in"),
    "a body that stops": (Reply(body=b"[]", declared=3, stall=True), "bytes came in"),
}


@pytest.mark.fault("A05", "A06")
@pytest.mark.promise("P25", "P26")
@pytest.mark.parametrize("name", SLOW)
async def test_a_list_that_does_not_come_is_not_waited_for(
    open_depot: OpenDepot, upstream: FirmwareUpstream, name: str
) -> None:
    """The bounds that hold for files hold for metadata."""
    reply, told = SLOW[name]
    with open_depot(table(upstream.url, retries=0)) as depot:
        await sync(depot, "fw")
        upstream.origin.on("/fw/feed.json", reply)
        began = time.monotonic()

        with pytest.raises(EntrepotError, match=told) as caught:
            await sync(depot, "fw")

        assert time.monotonic() - began < 10
        assert caught.value.exit_code == 3
        assert versions(depot) == [1]


@pytest.mark.fault("A07")
@pytest.mark.promise("P06")
@pytest.mark.parametrize("at", ["nothing", "one byte", "half", "all but one byte"])
@pytest.mark.parametrize("reset", [False, True], ids=["an end", "a reset"])
async def test_a_list_that_is_cut_is_never_taken_for_a_shorter_one(
    open_depot: OpenDepot, upstream: FirmwareUpstream, at: str, reset: bool
) -> None:
    """Else a mirror would drop what the rest of the list names."""
    body = json.dumps([]).encode() + b" " * 1000
    cut = {"nothing": 0, "one byte": 1, "half": 500, "all but one byte": len(body) - 1}[at]
    with open_depot(table(upstream.url, retries=1, mirror=True)) as depot:
        await sync(depot, "fw")
        upstream.origin.on("/fw/feed.json", Reply(body=body, cut=cut, reset=reset))

        with pytest.raises(EntrepotError) as caught:
            await sync(depot, "fw")

        assert caught.value.exit_code == 3
        assert versions(depot) == [1]


@pytest.mark.fault("A11")
@pytest.mark.promise("P25")
@pytest.mark.sweep
async def test_a_sync_of_two_thousand_files_over_a_bad_line_completes(
    open_depot: OpenDepot, origin: BadOrigin, dice: random.Random
) -> None:
    """One reply in ten is reset; every file is right, and few requests are more than there had to be."""
    upstream = FirmwareUpstream(origin)
    for number in range(2000):
        upstream.add(f"image-{number}", b"%d " % number * 50)
    upstream.publish()

    def reply(request: Seen) -> Reply:
        body = upstream.images[request.path.removeprefix("/fw/").removesuffix(".bin")]
        return Reply(body=body, cut=dice.randrange(len(body)), reset=True) if dice.random() < 0.1 else Reply(body=body)

    origin.on("/fw/*.bin", reply)
    with open_depot(table(upstream.url, retries=6)) as depot:
        outcome = await sync(depot, "fw")

        assert outcome.added == 2000
        assert held(depot, 1) == {f"{name}.bin": body for name, body in upstream.images.items()}
        assert origin.count("/fw/*.bin") < 2000 * 1.15


ODD_REDIRECTS = {
    "relative": "good/real.bin",
    "with dots": "./x/../good/real.bin",
    "without a scheme": "//{host}/fw/good/real.bin",
    "with a fragment": "/fw/good/real.bin#sha256=0000",
}


@pytest.mark.fault("A12")
@pytest.mark.parametrize("how", ODD_REDIRECTS)
async def test_a_redirect_is_followed_however_it_is_written(
    open_depot: OpenDepot, upstream: FirmwareUpstream, how: str
) -> None:
    """All of these are in use."""
    body = b"somewhere else"
    upstream.add("moved", body)
    upstream.publish()
    host = upstream.origin.url().removeprefix("http://").rstrip("/")
    upstream.origin.on("/fw/moved.bin", Reply.redirect(ODD_REDIRECTS[how].format(host=host)))
    upstream.origin.put("/fw/good/real.bin", body)

    with open_depot(table(upstream.url)) as depot:
        await sync(depot, "fw")

        assert held(depot, 1)["moved.bin"] == body


def states(folder: Path) -> dict[str, dict[str, bytes]]:
    """Write two states of an upstream to disk; every file is another in each."""
    made = {}
    for state in ("old", "new"):
        files = {f"{name}.bin": f"{name} of {state}".encode() for name in ("a", "b", "c")}
        entries = [
            {"name": file[0], "file": file, "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}
            for file, body in files.items()
        ]
        (folder / state).mkdir()
        for file, body in {**files, "feed.json": json.dumps(entries).encode()}.items():
            (folder / state / file).write_bytes(body)
        made[state] = files
    return made


@pytest.mark.fault("A19")
@pytest.mark.promise("P15", "P06")
@pytest.mark.parametrize("switched_at", range(1, 7))
async def test_an_upstream_that_republishes_while_it_is_read_gives_one_state_or_none(
    open_depot: OpenDepot, origin: BadOrigin, tmp_path: Path, switched_at: int
) -> None:
    """Whichever request sees the new state first; the next sync has it in any case."""
    made = states(tmp_path)
    switch = {"path": "*", "arrival": str(switched_at), "switch": "new"}
    script = {"trees": {"old": "old", "new": "new"}, "tree": "old", "replies": [switch]}
    origin.play(script, folder=tmp_path)

    with open_depot(table(origin.url("/feed.json"), retries=0)) as depot:
        with suppress(Failed, ExceptionGroup):  # which of the two depends on how many files were of the other state
            await sync(depot, "fw")

        assert [held(depot, number) in made.values() for number in versions(depot)] in ([], [True])

        origin.play({**script, "tree": "new", "replies": []}, folder=tmp_path)
        await sync(depot, "fw")
        assert held(depot, versions(depot)[-1]) == made["new"]
