"""An upstream that loses its content, goes back in time or is over: held back until somebody confirms."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from entrepot import builtin
from entrepot.assembly.errors import ClockDisagrees, ContentLost, Expired, OlderThanSeen
from entrepot.depot import Depot, open_depot
from entrepot.hooks.manager import Plugins
from entrepot.operations.sync import Confirmed, sync
from entrepot.settings import load
from entrepot.testing.bad_origin import BadOrigin
from integration import shelves
from integration.opening import OpenDepot
from integration.shelves import ShelfUpstream

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)

Open: TypeAlias = Callable[..., AbstractContextManager[Depot]]


@pytest.fixture
def upstream(origin: BadOrigin) -> ShelfUpstream:
    """Twenty images on one shelf, twenty on another."""
    made = ShelfUpstream(origin)
    made.fill("red", images("red", 20))
    made.fill("blue", images("blue", 20))
    made.publish()
    return made


def images(shelf: str, count: int) -> dict[str, str]:
    return {f"{shelf}-{number}": f"{shelf} {number}" for number in range(count)}


def shop(upstream: ShelfUpstream, **table: Any) -> dict[str, Any]:
    return {"shop": {"type": shelves.TYPE, "url": upstream.url, "retries": 0, "mirror": True, **table}}


@pytest.fixture
def opened(open_depot: OpenDepot, upstream: ShelfUpstream) -> Open:
    def with_table(**table: Any) -> AbstractContextManager[Depot]:
        return open_depot(shop(upstream, **table), plugins=[("shelves", shelves)])

    return with_table


def latest(depot: Depot) -> tuple[int, int]:
    version = depot.catalog.reader.version("shop")
    return version.number, version.members


@pytest.mark.fault("A20")
@pytest.mark.promise("P06", "P16")
@pytest.mark.parametrize(("red", "blue", "gone"), [(0, 0, 40), (16, 0, 24), (19, 0, 21), (8, 8, 24)])
async def test_an_upstream_that_lost_most_of_its_content_is_held_back(
    opened: Open, upstream: ShelfUpstream, red: int, blue: int, gone: int
) -> None:
    """The latest version is served on; the error names the numbers and the option that lets it through."""
    with opened() as depot:
        await sync(depot, "shop")
        upstream.fill("red", images("red", red))
        upstream.fill("blue", images("blue", blue))
        upstream.publish()

        with pytest.raises(ContentLost, match=f"{gone} of 40 members") as caught:
            await sync(depot, "shop")

        assert (caught.value.exit_code, latest(depot)) == (3, (1, 40))
        assert caught.value.remedy.endswith("entrepot sync shop --accept-loss")
        with pytest.raises(ContentLost):
            await sync(depot, "shop")

        outcome = await sync(depot, "shop", confirmed=Confirmed(accept_loss=True))

        assert outcome.removed == gone
        assert latest(depot) == (2, 40 - gone)


@pytest.mark.promise("P16")
async def test_a_list_that_lost_its_content_counts_by_itself(opened: Open, upstream: ShelfUpstream) -> None:
    """Within the whole it would go unseen: 15 of 40 is less than half, 15 of 20 is not."""
    with opened() as depot:
        await sync(depot, "shop")
        upstream.fill("red", images("red", 5))
        upstream.publish()

        with pytest.raises(ContentLost, match="15 of 20 members that the latest version has in scope 'red'"):
            await sync(depot, "shop")

        assert latest(depot) == (1, 40)


@pytest.mark.promise("P16")
async def test_a_list_that_the_operator_changed_something_about_is_no_loss(
    opened: Open, upstream: ShelfUpstream
) -> None:
    """Another plan explains why a part goes; most of the whole is held back all the same."""
    with opened() as depot:
        await sync(depot, "shop")
    upstream.fill("red", images("red", 5))
    upstream.publish()

    with opened(policy="on_demand") as depot:
        assert (await sync(depot, "shop")).removed == 15


@pytest.mark.promise("P16")
@pytest.mark.parametrize(
    ("table", "before", "after"),
    [
        ({}, 2, 1),
        ({}, 18, 9),
        ({}, 40, 20),
        ({"guard_loss": "90%"}, 40, 5),
        ({"guard_loss": "off"}, 40, 0),
        ({"mirror": False}, 40, 1),
    ],
)
async def test_what_goes_within_bounds_goes_unasked(
    opened: Open, upstream: ShelfUpstream, table: dict[str, Any], before: int, after: int
) -> None:
    """One of two is nothing, half is not most, and a repository may be told otherwise."""
    del upstream.shelves["blue"]
    upstream.fill("red", images("red", before))
    upstream.publish()
    with opened(**table) as depot:
        await sync(depot, "shop")
        upstream.fill("red", images("red", after))
        upstream.publish()

        outcome = await sync(depot, "shop")

        assert outcome.removed == (before - after if table.get("mirror", True) else 0)


@pytest.mark.promise("P16")
async def test_a_version_is_not_emptied_unasked_however_small_it_was(opened: Open, upstream: ShelfUpstream) -> None:
    """An empty index is what a broken upstream looks like most often."""
    del upstream.shelves["blue"]
    upstream.fill("red", images("red", 1))
    upstream.publish()
    with opened() as depot:
        await sync(depot, "shop")
        upstream.fill("red", {})
        upstream.publish()

        with pytest.raises(ContentLost, match="1 of 1 members"):
            await sync(depot, "shop")


@pytest.mark.fault("A17")
@pytest.mark.promise("P15", "P06")
@pytest.mark.parametrize(
    ("ages", "older", "told"),
    [
        ({"serial": 42}, {"serial": 41}, "is of 41, and 42 was seen before"),
        (
            {"moment": "2026-11-02T00:00:00Z"},
            {"moment": "2026-11-01T23:59:59Z"},
            "is of 2026-11-01T23:59:59Z, and 2026-11-02T00:00:00Z was seen before",
        ),
    ],
)
async def test_metadata_older_than_last_seen_is_refused(
    opened: Open, upstream: ShelfUpstream, ages: dict[str, Any], older: dict[str, Any], told: str
) -> None:
    """Also by a depot that is opened anew and configured differently; until it is allowed, once."""
    upstream.ages = ages
    upstream.publish()
    with opened() as depot:
        await sync(depot, "shop")
        assert (await sync(depot, "shop")).version is None
    upstream.ages = older
    upstream.fill("blue", images("blue", 19))
    upstream.publish()

    with opened(policy="on_demand") as depot:
        with pytest.raises(OlderThanSeen, match=told) as caught:
            await sync(depot, "shop")

        assert (caught.value.exit_code, latest(depot)) == (3, (1, 40))
        assert caught.value.remedy.endswith("entrepot sync shop --allow-older")
        assert (await sync(depot, "shop", confirmed=Confirmed(allow_older=True))).removed == 1
        assert (await sync(depot, "shop")).version is None


@pytest.mark.promise("P15")
async def test_a_sync_that_failed_has_seen_nothing(opened: Open, upstream: ShelfUpstream) -> None:
    """What it read was never served, so going back behind it is going nowhere."""
    upstream.ages = {"serial": 42}
    upstream.publish()
    with opened() as depot:
        await sync(depot, "shop")
        upstream.ages = {"serial": 50}
        upstream.fill("red", {})
        upstream.fill("blue", {})
        upstream.publish()
        with pytest.raises(ContentLost):
            await sync(depot, "shop")
        upstream.ages = {"serial": 43}
        upstream.fill("red", images("red", 20))
        upstream.fill("blue", images("blue", 20))
        upstream.publish()

        assert (await sync(depot, "shop")).version is None


class Clock:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now.timestamp()


@pytest.mark.fault("A18")
@pytest.mark.promise("P15")
async def test_metadata_that_is_over_is_refused_by_the_clock(tmp_path: Path, upstream: ShelfUpstream) -> None:
    """A moment before its end it is taken, at its end it is not; and --allow-expired takes it."""
    clock = Clock()
    upstream.ages = {"expires": NOW.isoformat()}
    upstream.publish()
    with timed_depot(tmp_path, upstream, clock) as depot:
        clock.now = NOW - datetime.timedelta(seconds=1)
        assert (await sync(depot, "shop")).version is not None
        clock.now = NOW

        with pytest.raises(Expired, match="expired at 2026-11-20T12:00:00Z") as caught:
            await sync(depot, "shop")

        assert "date -u" in caught.value.remedy
        assert caught.value.remedy.endswith("entrepot sync shop --allow-expired")
        assert (await sync(depot, "shop", confirmed=Confirmed(allow_expired=True))).version is None


@pytest.mark.fault("A18")
@pytest.mark.promise("P15")
async def test_metadata_from_the_future_means_that_a_clock_is_wrong(tmp_path: Path, upstream: ShelfUpstream) -> None:
    """Within an hour clocks may differ; taking what lies beyond would make all that follows look old."""
    clock = Clock()
    upstream.ages = {"moment": (NOW + HOUR).isoformat()}
    upstream.publish()
    with timed_depot(tmp_path, upstream, clock) as depot:
        assert (await sync(depot, "shop")).version is not None
        upstream.ages = {"moment": (NOW + HOUR + datetime.timedelta(seconds=1)).isoformat()}
        upstream.publish()

        with pytest.raises(ClockDisagrees, match="ahead of this machine's clock") as caught:
            await sync(depot, "shop")

        assert caught.value.exit_code == 3
        assert latest(depot) == (1, 40)


def timed_depot(folder: Path, upstream: ShelfUpstream, clock: Clock) -> Depot:
    """A depot with a clock of the test's."""
    file = folder / "entrepot.toml"
    lines = ["[repositories.shop]", f'type = "{shelves.TYPE}"', f'url = "{upstream.url}"', "mirror = true"]
    file.write_text("\n".join(lines))
    plugins = Plugins.load(builtin=builtin, extra=[("shelves", shelves)], installed=False)
    return open_depot(load(file, environ={}, home=folder / "home"), plugins, create=True, clock=clock)
