"""Versions by the moments at which they were the latest."""

from __future__ import annotations

import asyncio
import datetime
from functools import partial

import pytest
from aiohttp import ClientSession

from entrepot.operations.prune import prune
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from unit.serve.conftest import Open, Serve
from unit.serve.shelf import stock


def moment(seconds: float, form: str = "%Y-%m-%dT%H:%M:%S.%fZ") -> str:
    """A moment as a URL has it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime(form)


async def test_a_moment_means_the_version_that_was_the_latest_at_it(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """Before the first there was none; and once its version is pruned a moment is gone, not the next version."""
    depot = opened(tools={"url": stock(origin, {"a": b"old"}), "mirror": True})

    async with serve(depot, "tools") as root:
        stock(origin, {"a": b"new"})
        await sync(depot, "tools")
        first, second = (version.completed for version in depot.catalog.reader.versions("tools"))
        moments = {
            "before": moment(first - 1),
            "between": moment((first + second) / 2),
            "apt, a day before": moment(first - 86_400, "%Y%m%dT%H%M%SZ"),
            "apt, a day after": moment(second + 86_400, "%Y%m%dT%H%M%SZ"),
        }

        async def answers() -> dict[str, tuple[int, bytes | None]]:
            found = {}
            for name, at in moments.items():
                async with client.get(f"{root}/tools@{at}/a") as answer:
                    found[name] = (answer.status, await answer.read() if answer.ok else None)
            return found

        kept = await answers()
        await asyncio.to_thread(prune, depot, keep=1)
        pruned = await answers()

    never, latest = (404, None), (200, b"new")
    assert kept == {
        "before": never,
        "between": (200, b"old"),
        "apt, a day before": never,
        "apt, a day after": latest,
    }
    assert pruned == {**kept, "between": (410, None)}


@pytest.mark.parametrize("at", ["2026-13-01", "2026-02-30", "2026-11-01T25:00", "20261301T000000Z", "yesterday"])
async def test_no_moment_in_time_is_refused_in_words(
    at: str, origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """It is not taken for the latest, nor for the day nearest to it."""
    depot = opened(tools={"url": stock(origin, {"a": b"old"})})

    async with serve(depot, "tools") as root, client.get(f"{root}/tools@{at}/a") as answer:
        assert (answer.status, at in await answer.text()) == (404, True)


@pytest.mark.promise("P02")
async def test_a_moment_is_kept_by_caches_once_it_is_long_past(
    origin: BadOrigin, opened: Open, serve: Serve, client: ClientSession
) -> None:
    """A version is noted with a moment that is a little before it can be seen: asked for then, another answered."""
    depot = opened(tools={"url": stock(origin, {"a": b"old"})})
    kept = {}

    async with serve(depot, "tools"):
        made = depot.catalog.reader.version("tools").completed
    for seconds in (1, 3599, 3602):
        later = made + 1 + seconds
        async with (
            serve(depot, clock=partial(float, later)) as root,
            client.get(f"{root}/tools@{moment(made + 1)}/a") as answer,
        ):
            kept[seconds] = "immutable" in answer.headers["Cache-Control"]

    assert kept == {1: False, 3599: False, 3602: True}
