"""Failed units: what they cost the others, where they are told, and trying only them again."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest

from entrepot.depot import Depot
from entrepot.errors import EntrepotError, NotFound
from entrepot.operations.sync import retry_failed, sync
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.bad_replies import Reply
from integration import shelves
from integration.opening import OpenDepot
from integration.shelves import ShelfUpstream

pytestmark = pytest.mark.slow

MANY = 1000


@pytest.fixture
def upstream(origin: BadOrigin) -> ShelfUpstream:
    """Two shelves, one image of which comes with wrong bytes."""
    made = ShelfUpstream(origin)
    made.fill("red", {"one": "first", "two": "second"})
    made.fill("blue", {"three": "third", "four": "fourth"})
    made.bad = {"two"}
    made.publish()
    return made


def opened(open_depot: OpenDepot, upstream: ShelfUpstream, **table: Any) -> AbstractContextManager[Depot]:
    shop = {"type": shelves.TYPE, "url": upstream.url, "retries": 0, "mirror": True, "on_error": "skip", **table}
    return open_depot({"shop": shop}, plugins=[("shelves", shelves)])


def names(depot: Depot, number: int) -> set[str]:
    members = depot.catalog.reader.members("shop", number, limit=2 * MANY)
    return {row.key.split('"')[3] for row in members}


@pytest.mark.fault("A02", "B19")
@pytest.mark.promise("P06")
@pytest.mark.parametrize("on_error", ["fail", "skip", "keep"])
async def test_one_bad_unit_of_a_thousand_costs_the_others_nothing(
    open_depot: OpenDepot, upstream: ShelfUpstream, on_error: str
) -> None:
    """Whatever follows for the version, 999 stay in the storage, and trying again asks for the one."""
    upstream.fill("red", {f"image-{number:04}": f"text {number}" for number in range(MANY)})
    upstream.bad = {"image-0500"}
    upstream.publish()
    with opened(open_depot, upstream, on_error=on_error) as depot:
        if on_error == "fail":
            with pytest.raises(EntrepotError, match="image-0500"):
                await sync(depot, "shop")
            assert depot.catalog.reader.versions("shop") == []
        else:
            outcome = await sync(depot, "shop")
            assert (outcome.added, outcome.failed, outcome.exit_code) == (MANY + 1, 1, 1)
        assert len(set(upstream.asked())) == MANY + 2
        upstream.bad = set()

        again = await retry_failed(depot, "shop")

        assert again is not None
        assert (again.failed, again.exit_code) == (0, 0)
        assert upstream.asked() == ["image-0500"]
        latest = depot.catalog.reader.version("shop")
        assert latest.members == MANY + 2


@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize(("on_error", "stays"), [("skip", False), ("keep", True)])
async def test_the_predecessor_of_a_failed_unit_stays_where_it_is_to_be_kept(
    open_depot: OpenDepot, upstream: ShelfUpstream, *, mirror: bool, on_error: str, stays: bool
) -> None:
    """`keep` holds on to it, mirror or not; `skip` leaves it out of a mirror, and never adds to a loss else."""
    upstream.bad = set()
    upstream.publish()
    with opened(open_depot, upstream, on_error=on_error, mirror=mirror) as depot:
        await sync(depot, "shop")
        upstream.fill("red", {"one": "first", "two": "another"})
        upstream.bad = {"two"}
        upstream.publish()

        outcome = await sync(depot, "shop")

        assert outcome.failed == 1
        number = depot.catalog.reader.version("shop").number
        assert ("two" in names(depot, number)) is (stays or not mirror)


@pytest.mark.promise("P06")
async def test_a_failure_is_told_with_unit_stage_plugin_url_and_reason(
    open_depot: OpenDepot, upstream: ShelfUpstream
) -> None:
    """In the version's own report, for as long as there is that version."""
    with opened(open_depot, upstream) as depot:
        await sync(depot, "shop")

        (told,) = depot.catalog.reader.version("shop", 1).report["failures"]

        assert told["key"] == '["firmware.image","two"]'
        assert (told["stage"], told["plugin"]) == ("ArtifactDownloader", "builtin")
        assert told["url"] == upstream.origin.url("/shop/two.bin")
        assert told["error"].startswith("sha256 is ")


async def test_an_unchanged_list_is_read_again_while_units_of_it_failed(
    open_depot: OpenDepot, upstream: ShelfUpstream
) -> None:
    """It is not kept unseen, or what failed would never come; the other list is."""
    with opened(open_depot, upstream) as depot:
        await sync(depot, "shop")
        upstream.asked()
        upstream.bad = set()

        outcome = await sync(depot, "shop")

        assert outcome.added == 1
        assert upstream.asked() == ["two"]


async def test_only_what_failed_is_tried_and_all_else_stays(open_depot: OpenDepot, upstream: ShelfUpstream) -> None:
    """What is new, changed or gone upstream since waits for the next whole sync, and comes with that."""
    with opened(open_depot, upstream) as depot:
        await sync(depot, "shop")
        upstream.asked()
        upstream.bad = set()
        upstream.fill("red", {"one": "changed", "two": "second", "new": "new"})
        upstream.fill("blue", {"three": "third"})
        upstream.publish()

        again = await retry_failed(depot, "shop")

        assert again is not None
        assert (again.added, again.changed, again.removed) == (1, 0, 0)
        assert upstream.asked() == ["two"]
        assert names(depot, 2) == {"one", "two", "three", "four"}

        whole = await sync(depot, "shop")

        assert (whole.added, whole.changed, whole.removed) == (1, 1, 1)
        assert upstream.asked() == ["new", "one"]


async def test_what_fails_again_is_there_to_be_tried_again(open_depot: OpenDepot, upstream: ShelfUpstream) -> None:
    """Exit code 1 as before, no version, and nothing that stood there goes."""
    with opened(open_depot, upstream) as depot:
        await sync(depot, "shop")

        for _ in range(2):
            again = await retry_failed(depot, "shop")

            assert again is not None
            assert (again.version, again.failed, again.removed, again.exit_code) == (None, 1, 0, 1)

        upstream.bad = set()
        healed = await retry_failed(depot, "shop")
        assert healed is not None
        assert healed.added == 1


async def test_where_nothing_failed_there_is_nothing_to_try(open_depot: OpenDepot, upstream: ShelfUpstream) -> None:
    """Neither before the first sync nor after a good one; upstream is not even asked."""
    upstream.bad = set()
    with opened(open_depot, upstream) as depot:
        assert await retry_failed(depot, "shop") is None
        await sync(depot, "shop")
        upstream.origin.requests.clear()

        assert await retry_failed(depot, "shop") is None

        assert upstream.origin.requests == []


async def test_a_sync_that_was_cut_off_does_not_hide_what_failed_before(
    open_depot: OpenDepot, upstream: ShelfUpstream
) -> None:
    """It says nothing about those units, so the run before it still does."""
    with opened(open_depot, upstream) as depot:
        await sync(depot, "shop")
        shelf = upstream.shelves.pop("blue")
        upstream.shelves["gone"] = {}
        upstream.publish()
        upstream.origin.on("/shop/gone.json", Reply(status=404))
        with pytest.raises(NotFound):
            await sync(depot, "shop")
        upstream.shelves = {"red": upstream.shelves["red"], "blue": shelf}
        upstream.bad = set()
        upstream.publish()

        again = await retry_failed(depot, "shop")

        assert again is not None
        assert again.added == 1


async def test_a_scope_that_the_first_stage_gave_up_in_is_tried_whole(
    open_depot: OpenDepot, upstream: ShelfUpstream
) -> None:
    """Who knows what else it would have said; what is held of it is not asked for."""
    upstream.bad = set()
    upstream.undigested = {"two"}
    upstream.publish()
    with opened(open_depot, upstream) as depot:
        await sync(depot, "shop")
        upstream.asked()
        upstream.undigested = set()
        upstream.fill("red", {"one": "first", "two": "second", "beside": "it"})
        upstream.fill("blue", {"three": "changed", "four": "fourth"})
        upstream.publish()

        again = await retry_failed(depot, "shop")

        assert again is not None
        assert (again.added, again.changed) == (2, 0)
        assert upstream.asked() == ["beside", "two"]
