"""Scopes in a sync: images on two shelves, one of which is kept unseen."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import pytest

from entrepot.depot import Depot
from entrepot.errors import EntrepotError
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from integration import shelves
from integration.opening import OpenDepot
from integration.shelves import ShelfUpstream


@pytest.fixture
def upstream(origin: BadOrigin) -> ShelfUpstream:
    """Two shelves with one image on both."""
    made = ShelfUpstream(origin)
    made.fill("red", {"shared": "text", "one": "first"})
    made.fill("blue", {"shared": "text", "two": "second"})
    made.publish()
    return made


def opened(open_depot: OpenDepot, upstream: ShelfUpstream, **table: Any) -> AbstractContextManager[Depot]:
    shop = {"type": shelves.TYPE, "url": upstream.url, "mirror": True, "policy": "on_demand", **table}
    return open_depot({"shop": shop}, plugins=[("shelves", shelves)])


def names(depot: Depot, number: int) -> set[str]:
    return {row.key.split('"')[3] for row in depot.catalog.reader.members("shop", number)}


@pytest.mark.promise("P02")
@pytest.mark.parametrize("changed", ["red", "blue"])
async def test_an_image_stays_while_a_kept_shelf_has_it(
    open_depot: OpenDepot, upstream: ShelfUpstream, changed: str
) -> None:
    """The shelf that was read lets it go, the one that did not change has it still."""
    with opened(open_depot, upstream) as depot:
        await sync(depot, "shop")
        upstream.fill(changed, {"new": "third"})
        upstream.publish()

        await sync(depot, "shop")

        assert names(depot, 2) == {"shared", "new", "two" if changed == "red" else "one"}


async def test_what_contradicts_a_kept_shelf_fails_until_they_agree(
    open_depot: OpenDepot, upstream: ShelfUpstream
) -> None:
    """Both are read the next time, so that a list that was out of date ends it."""
    with opened(open_depot, upstream) as depot:
        await sync(depot, "shop")
        upstream.fill("red", {"shared": "another", "one": "first"})
        upstream.publish()

        with pytest.raises(EntrepotError, match=r"shared.* in scope 'red'.* in scope 'blue', which was kept"):
            await sync(depot, "shop")
        with pytest.raises(EntrepotError, match=r"declares .*shared.* twice"):
            await sync(depot, "shop")

        assert [version.number for version in depot.catalog.reader.versions("shop")] == [1]
        upstream.fill("blue", {"shared": "another", "two": "second"})
        upstream.publish()
        await sync(depot, "shop")
        assert names(depot, 2) == {"shared", "one", "two"}


@pytest.mark.parametrize("on_error", ["skip", "keep"])
async def test_a_contradiction_that_may_pass_is_told(
    open_depot: OpenDepot, upstream: ShelfUpstream, on_error: str
) -> None:
    """What was read is in the version, the failure in the report, and the other shelf is read next time."""
    with opened(open_depot, upstream, on_error=on_error) as depot:
        await sync(depot, "shop")
        upstream.fill("red", {"shared": "another", "one": "first"})
        upstream.publish()

        await sync(depot, "shop")

        assert names(depot, 2) == {"shared", "one", "two"}
        last = depot.catalog.reader.last_run("shop")
        assert last is not None
        assert {(row.key.split('"')[3], row.scope) for row in depot.catalog.reader.failures("shop", last.id)} == {
            ("shared", "red"),
            ("shared", "blue"),
        }
