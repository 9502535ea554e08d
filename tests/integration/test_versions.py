"""What a sync makes of an upstream that stays, changes, takes back and contradicts itself."""

from __future__ import annotations

from typing import Any

import pytest

from entrepot.depot import Depot
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from integration.opening import OpenDepot
from integration.upstream import FirmwareUpstream


@pytest.fixture
def upstream(origin: BadOrigin) -> FirmwareUpstream:
    """Three images, published."""
    made = FirmwareUpstream(origin)
    for name in ("boot", "kernel", "radio"):
        made.add(name, f"image of {name}".encode() * 100)
    made.publish()
    return made


def configured(upstream: FirmwareUpstream, **changes: Any) -> dict[str, Any]:
    return {"fw": {"type": "firmware", "url": upstream.url, **changes}}


def names(depot: Depot, number: int, repository: str = "fw") -> set[str]:
    return {row.key for row in depot.catalog.reader.members(repository, number)}


def bodies(depot: Depot, number: int, path: str, repository: str = "fw") -> list[bytes]:
    found = depot.catalog.reader.locate(repository, number, path)
    return [stored(depot, answer.artifact.sha256) for answer in found if answer.artifact is not None]


def stored(depot: Depot, sha256: bytes) -> bytes:
    with depot.storage.open(sha256) as file:
        return file.read()


async def test_a_first_sync_makes_version_1_with_all_that_upstream_lists(
    open_depot: OpenDepot, upstream: FirmwareUpstream
) -> None:
    """Every image is stored, and stands under its path in version 1."""
    with open_depot(configured(upstream)) as depot:
        outcome = await sync(depot, "fw")

        assert outcome.version is not None
        assert outcome.version.number == 1
        assert (outcome.added, outcome.changed, outcome.removed, outcome.downloaded) == (3, 0, 0, 3)
        assert bodies(depot, 1, "kernel.bin") == [upstream.images["kernel"]]


@pytest.mark.promise("P07")
async def test_a_second_sync_of_an_unchanged_upstream_makes_nothing(
    open_depot: OpenDepot, upstream: FirmwareUpstream
) -> None:
    """No new version, and not one artifact is asked for again."""
    with open_depot(configured(upstream)) as depot:
        await sync(depot, "fw")
        before = upstream.artifact_requests()

        outcome = await sync(depot, "fw")

        assert outcome.version is None
        assert (outcome.added, outcome.unchanged) == (0, 3)
        assert upstream.artifact_requests() == before
        assert [row.number for row in depot.catalog.reader.versions("fw")] == [1]


@pytest.mark.parametrize("mirror", [False, True])
async def test_a_changed_file_replaces_its_predecessor(
    open_depot: OpenDepot, upstream: FirmwareUpstream, mirror: bool
) -> None:
    """The key is the same, so the new statement stands in place of the old one, mirror or not."""
    with open_depot(configured(upstream, mirror=mirror)) as depot:
        await sync(depot, "fw")
        upstream.add("kernel", b"a newer kernel")
        upstream.publish()

        outcome = await sync(depot, "fw")

        assert (outcome.added, outcome.changed, outcome.removed, outcome.downloaded) == (0, 1, 0, 1)
        assert [row.change for row in depot.catalog.reader.diff("fw", 1, 2)] == ["changed"]
        assert bodies(depot, 2, "kernel.bin") == [b"a newer kernel"]
        assert bodies(depot, 1, "kernel.bin") != bodies(depot, 2, "kernel.bin")


@pytest.mark.parametrize(("mirror", "left"), [(False, 3), (True, 2)])
async def test_what_is_gone_upstream_goes_only_when_mirroring(
    open_depot: OpenDepot, upstream: FirmwareUpstream, mirror: bool, left: int
) -> None:
    """Additive syncs keep what they have; mirrors follow."""
    with open_depot(configured(upstream, mirror=mirror)) as depot:
        await sync(depot, "fw")
        del upstream.images["radio"]
        upstream.publish()

        outcome = await sync(depot, "fw")

        latest = depot.catalog.reader.version("fw").number
        assert len(names(depot, latest)) == left
        assert outcome.removed == 3 - left
        assert len(names(depot, 1)) == 3


async def test_a_flag_flipped_upstream_makes_a_version_and_no_download(
    open_depot: OpenDepot, upstream: FirmwareUpstream
) -> None:
    """Version 2 says what is true now, version 1 what was true then; the bytes are one."""
    with open_depot(configured(upstream)) as depot:
        await sync(depot, "fw")
        upstream.says["boot"] = {"yanked": True}
        upstream.publish()

        outcome = await sync(depot, "fw")

        assert (outcome.changed, outcome.downloaded) == (1, 0)
        said = {number: _fields(depot, number)['["firmware.image","boot"]'] for number in (1, 2)}
        assert b"yanked" not in said[1]
        assert b'"yanked":true' in said[2]
        assert bodies(depot, 1, "boot.bin") == bodies(depot, 2, "boot.bin")


def _fields(depot: Depot, number: int) -> dict[str, bytes]:
    return {row.key: row.fields for row in depot.catalog.reader.members("fw", number)}


async def test_two_repositories_with_equal_content_share_a_row_and_the_bytes(
    open_depot: OpenDepot, upstream: FirmwareUpstream
) -> None:
    """The second repository finds the bytes, and its statement is the same row."""
    both = {**configured(upstream), "copy": {"type": "firmware", "url": upstream.url}}
    with open_depot(both) as depot:
        await sync(depot, "fw")

        outcome = await sync(depot, "copy")

        assert (outcome.added, outcome.downloaded) == (3, 0)
        rows = [{row.key: row.content for row in depot.catalog.reader.members(name, 1)} for name in both]
        assert rows[0] == rows[1]


@pytest.mark.promise("P35")
async def test_private_bytes_are_not_had_by_another_repository_that_only_names_them(
    open_depot: OpenDepot, upstream: FirmwareUpstream
) -> None:
    """Knowing a digest is no right to the bytes: each repository obtains them through its own remote."""
    both = {**configured(upstream, private=True), "other": {"type": "firmware", "url": upstream.url}}
    with open_depot(both) as depot:
        await sync(depot, "fw")

        outcome = await sync(depot, "other")

        assert outcome.downloaded == 3


async def test_on_demand_declares_without_downloading(open_depot: OpenDepot, upstream: FirmwareUpstream) -> None:
    """The version is there at once; bytes come when somebody asks."""
    with open_depot(configured(upstream, policy="on_demand")) as depot:
        outcome = await sync(depot, "fw")

        assert (outcome.added, outcome.downloaded, upstream.artifact_requests()) == (3, 0, 0)
        (located,) = depot.catalog.reader.locate("fw", 1, "kernel.bin")
        assert located.artifact is None
        assert located.urls == (upstream.origin.url("/fw/kernel.bin"),)


async def test_a_version_can_be_made_of_nothing(open_depot: OpenDepot, upstream: FirmwareUpstream) -> None:
    """An empty upstream is a state like any other: version 1 is empty, and the next sync finds no change."""
    upstream.images.clear()
    upstream.publish()
    with open_depot(configured(upstream)) as depot:
        first = await sync(depot, "fw")
        second = await sync(depot, "fw")

        assert first.version is not None
        assert second.version is None
        assert names(depot, 1) == set()
