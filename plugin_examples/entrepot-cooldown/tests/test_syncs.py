"""Whole syncs from an index on loopback, in virtual time."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from entrepot.plugin import ConfigurationError, EntrepotError
from entrepot.testing import Reply, check_depot, retry_failed, served, sync

JSON = "application/vnd.pypi.simple.v1+json"
TODAY = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)  # where the clock of conftest.py begins
MONTH = {"min_age": "30d"}

Open = Callable[..., AbstractContextManager[Any]]


def listed(opened: Any, number: int) -> list[str]:
    """The files on the page that a version has for pip."""
    (body,) = [
        file.body for file in opened.catalog.reader.locate("tools", number, "simple/demo/") if file.media_type == JSON
    ]
    return [file["filename"] for file in json.loads(body)["files"]]


def held(opened: Any) -> dict[str, tuple[str, float | None]]:
    """What the last run held back: by which rule, and until when."""
    run = opened.catalog.reader.last_run("tools")
    rows = opened.catalog.reader.refusals("tools", run.id)
    return {json.loads(row.key)[-1]: (row.rule, row.until) for row in rows}


async def status(url: str) -> int:
    """What a client is answered."""

    def ask() -> int:
        try:
            with urlopen(url) as answer:
                return int(answer.status)
        except HTTPError as error:
            with error:
                return error.code

    return await asyncio.to_thread(ask)


@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_what_is_too_young_is_neither_listed_nor_downloadable(open_depot: Open, index: Any, policy: str) -> None:
    """Nor asked of upstream by anybody; it is on record with the moment when it is due."""
    with open_depot(MONTH, policy=policy) as opened:
        outcome = await sync(opened, "tools")

        assert listed(opened, 1) == ["demo-1.0.tar.gz"]
        due = (TODAY + datetime.timedelta(days=25)).timestamp()
        assert held(opened) == {"demo-2.0.tar.gz": ("min-age-by-upstream", due)}
        (told,) = outcome.report["refusals"]
        assert (told["until"], told["plugin"]) == (due, "cooldown")
        assert '{ name = "demo==2.0", reason =' in told["remedy"]
        assert "published 2026-10-27T00:00:00+00:00, and is due 2026-11-26T00:00:00+00:00" in told["reason"]
        async with served(opened) as address:
            assert await status(f"{address}/tools/packages/demo/demo-1.0.tar.gz") == 200
            assert await status(f"{address}/tools/packages/demo/demo-2.0.tar.gz") == 404
            assert await status(f"{address}/tools@1/packages/demo/demo-2.0.tar.gz") == 404
        assert index.fetched("demo-2.0.tar.gz") == 0


async def test_what_becomes_due_comes_in_though_upstream_is_unchanged(open_depot: Open, clock: Any) -> None:
    """Not a second before: until then the page is not even read again."""
    with open_depot(MONTH) as opened:
        await sync(opened, "tools")
        clock.turn(days=25, seconds=-1)
        early = await sync(opened, "tools")
        clock.turn(seconds=1)
        due = await sync(opened, "tools")

        assert (early.version, early.refused) == (None, 0)
        assert (due.added, due.refused) == (1, 0)
        assert listed(opened, 2) == ["demo-1.0.tar.gz", "demo-2.0.tar.gz"]
        check_depot(opened)


@pytest.mark.parametrize("mirror", [True, False])
async def test_what_was_let_in_stays_when_the_age_is_raised(open_depot: Open, index: Any, mirror: bool) -> None:
    """With what upstream says of it since, a yank for one; other bytes under its name are held."""
    with open_depot({"min_age": "3d"}, mirror=mirror) as opened:
        await sync(opened, "tools")
    index.add("demo-2.0.tar.gz", days_ago=5, yanked="broken")
    index.add("demo-3.0.tar.gz", days_ago=5)
    with open_depot(MONTH, mirror=mirror) as opened:
        outcome = await sync(opened, "tools")

        assert (outcome.changed, outcome.removed, outcome.refused) == (1, 0, 1)
        assert listed(opened, 2) == ["demo-1.0.tar.gz", "demo-2.0.tar.gz"]
    index.add("demo-2.0.tar.gz", days_ago=5, body="other bytes")
    with open_depot(MONTH, mirror=mirror) as opened:
        outcome = await sync(opened, "tools")

        assert sorted(held(opened)) == ["demo-2.0.tar.gz", "demo-3.0.tar.gz"]
        assert outcome.removed == (1 if mirror else 0)


async def test_what_was_let_in_goes_when_it_may_be_evicted(open_depot: Open, index: Any) -> None:
    """From the next version; earlier ones are immutable. It comes back when it is due."""
    with open_depot({"min_age": "3d"}) as opened:
        await sync(opened, "tools")
    with open_depot({**MONTH, "evict": True}) as opened:
        outcome = await sync(opened, "tools")

        assert (outcome.removed, outcome.refused) == (1, 1)
        assert (listed(opened, 1), listed(opened, 2)) == (["demo-1.0.tar.gz", "demo-2.0.tar.gz"], ["demo-1.0.tar.gz"])
        async with served(opened) as address:
            assert await status(f"{address}/tools/packages/demo/demo-2.0.tar.gz") == 404
            assert await status(f"{address}/tools@1/packages/demo/demo-2.0.tar.gz") == 200
    assert index.fetched("demo-2.0.tar.gz") == 1


async def test_an_unknown_age_is_held_and_says_what_helps(open_depot: Open, index: Any) -> None:
    """Whether upstream says nothing, or something that is no time."""
    index.add("demo-3.0.tar.gz", days_ago=None)
    index.add("demo-4.0.tar.gz", days_ago=None, **{"upload-time": "yesterday"})
    with open_depot(MONTH) as opened:
        outcome = await sync(opened, "tools")

        assert listed(opened, 1) == ["demo-1.0.tar.gz"]
        unknown = ("unknown-age", None)
        assert [held(opened)[f"demo-{version}.tar.gz"] for version in ("3.0", "4.0")] == [unknown, unknown]
        assert any('by = "first_seen"' in row["remedy"] for row in outcome.report["refusals"])


EXCEPTION = {"name": "Demo==2.0", "reason": "CVE fix", "until": datetime.date(2026, 11, 3)}


@pytest.mark.parametrize("name", ["Demo==2.0", "demo-2.0.tar.gz", "demo/*", "demo-2.?.tar.gz"])
async def test_an_exception_lets_one_through_and_is_in_the_report(open_depot: Open, index: Any, name: str) -> None:
    """Alone what it names, whatever its age, with its reason; also after its last day, for it is in."""
    index.add("other-1.0.tar.gz", days_ago=1)
    table = {"options": {"include": ["demo", "other"]}}
    with open_depot({**MONTH, "exceptions": [{**EXCEPTION, "name": name}]}, **table) as opened:
        outcome = await sync(opened, "tools")

        assert listed(opened, 1) == ["demo-1.0.tar.gz", "demo-2.0.tar.gz"]
        assert sorted(held(opened)) == ["other-1.0.tar.gz"]
        (remark,) = outcome.report["remarks"]
        assert (remark["rule"], remark["plugin"], json.loads(remark["key"])[-1]) == (
            "exception", "cooldown", "demo-2.0.tar.gz",
        )  # fmt: skip
        assert "until 2026-11-03: CVE fix; else published 2026-10-27" in remark["reason"]
        assert opened.catalog.reader.version("tools", 1).report["remarks"] == [remark]


async def test_an_exception_that_is_over_counts_no_more_and_is_told(open_depot: Open, index: Any, clock: Any) -> None:
    """Its last day is part of it; what it let in stays."""
    with open_depot({**MONTH, "exceptions": [{**EXCEPTION, "name": "demo"}]}) as opened:
        clock.turn(days=3, seconds=-1)
        await sync(opened, "tools")
        clock.turn(seconds=1)
        index.add("demo-3.0.tar.gz", days_ago=0)
        outcome = await sync(opened, "tools")

        assert listed(opened, 1) == ["demo-1.0.tar.gz", "demo-2.0.tar.gz"]
        (told,) = outcome.report["refusals"]
        assert "; its exception 'demo' (CVE fix) ended with 2026-11-03" in told["reason"]


async def test_after_a_freeze_nothing_newer_comes_in_whatever_its_age(open_depot: Open, index: Any, clock: Any) -> None:
    """The day itself is still let in; lifting the freeze lets the rest in, upstream unchanged."""
    index.add("demo-3.0.tar.gz", days_ago=4.01)
    with open_depot({"freeze": datetime.date(2026, 10, 27)}) as opened:
        clock.turn(days=1000)
        await sync(opened, "tools")

        assert listed(opened, 1) == ["demo-1.0.tar.gz", "demo-2.0.tar.gz", "demo-3.0.tar.gz"]
        index.add("demo-4.0.tar.gz", days_ago=4)
        await sync(opened, "tools")
        assert held(opened) == {"demo-4.0.tar.gz": ("freeze", None)}
    with open_depot({}) as opened:
        assert (await sync(opened, "tools")).added == 1


async def test_first_seen_counts_from_the_first_look_whatever_upstream_claims(
    open_depot: Open, index: Any, clock: Any
) -> None:
    """Over restarts, failed syncs and changes of the page; an upload time may be forged."""
    with open_depot({**MONTH, "by": "first_seen"}) as opened:
        await sync(opened, "tools")
        assert {rule for rule, _ in held(opened).values()} == {"min-age-by-first-seen"}
    clock.turn(days=20)
    index.add("demo-3.0.tar.gz", days_ago=900)
    with open_depot({"min_age": "29d", "by": "first_seen"}) as opened:
        await sync(opened, "tools")
        moments = {name: until for name, (_, until) in held(opened).items()}
        start = TODAY.timestamp()
        assert moments == {
            "demo-1.0.tar.gz": start + 29 * 86400,
            "demo-2.0.tar.gz": start + 29 * 86400,
            "demo-3.0.tar.gz": start + 49 * 86400,
        }
        clock.turn(days=9)
        await sync(opened, "tools")
        assert sorted(held(opened)) == ["demo-3.0.tar.gz"]
        clock.turn(days=20)
        await sync(opened, "tools")
        assert len(listed(opened, 3)) == 3


async def test_bytes_that_are_swapped_while_they_wait_begin_to_wait_anew(
    open_depot: Open, index: Any, clock: Any
) -> None:
    """Else one could show something harmless for a month, and swap it on the last day."""
    with open_depot({**MONTH, "by": "first_seen"}) as opened:
        await sync(opened, "tools")
        clock.turn(days=29)
        index.add("demo-2.0.tar.gz", days_ago=500, body="something else")
        clock.turn(days=1)
        await sync(opened, "tools")

        assert held(opened) == {"demo-2.0.tar.gz": ("min-age-by-first-seen", clock.now + 30 * 86400)}
        assert index.fetched("demo-2.0.tar.gz") == 0


async def test_what_a_failed_sync_saw_was_seen(open_depot: Open, index: Any, clock: Any) -> None:
    """The record is the refusal, and needs no version."""
    index.add("demo-3.0.tar.gz", days_ago=1)
    index.origin.on("/packages/demo-3.0.tar.gz", Reply(status=500))
    exception = {"name": "demo==3.0", "reason": "needed", "until": datetime.date(2027, 1, 1)}
    with open_depot({**MONTH, "by": "first_seen", "exceptions": [exception]}) as opened:
        with pytest.raises(EntrepotError, match=r"demo-3\.0"):
            await sync(opened, "tools")

        clock.turn(days=30)
        index.add("demo-3.0.tar.gz", days_ago=1)
        outcome = await sync(opened, "tools")

        assert (outcome.refused, len(listed(opened, 1))) == (0, 3)


async def test_a_retry_lets_nothing_else_through(open_depot: Open, index: Any, clock: Any) -> None:
    """What is held stays held until it is due, and is no failure."""
    index.add("demo-3.0.tar.gz", days_ago=90)
    index.origin.on("/packages/demo-3.0.tar.gz", Reply(status=500))
    with open_depot(MONTH, on_error="skip") as opened:
        first = await sync(opened, "tools")
        before = held(opened)
        clock.turn(days=10)
        index.add("demo-3.0.tar.gz", days_ago=90)
        again = await retry_failed(opened, "tools")

        assert again is not None
        assert (first.failed, first.refused, again.failed, again.added) == (1, 1, 0, 1)
        assert held(opened) == before
        assert listed(opened, 2) == ["demo-1.0.tar.gz", "demo-3.0.tar.gz"]
        clock.turn(days=15)
        assert (await sync(opened, "tools")).added == 1


async def test_a_repository_that_takes_it_up_late_keeps_what_it_has(open_depot: Open, clock: Any) -> None:
    """Also by first sight: a version that had the bytes is the first sight of them."""
    with open_depot({}) as opened:
        await sync(opened, "tools")
    clock.turn(days=10)
    with open_depot({**MONTH, "by": "first_seen", "evict": True}) as opened:
        await sync(opened, "tools")

        start = TODAY.timestamp()
        assert {until for _, until in held(opened).values()} == {start + 30 * 86400}
    with open_depot({**MONTH, "by": "first_seen"}) as opened:
        clock.turn(days=19, hours=23)
        assert (await sync(opened, "tools")).added == 0
        clock.turn(hours=1)
        assert (await sync(opened, "tools")).added == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"min_age": "30 days"}, "a duration such as '7d'"),
        ({"min_age": 30}, "a duration such as '7d'"),
        ({"minage": "30d"}, "did you mean 'min_age'"),
        ({"min_age": "30d", "by": "upsteam"}, "upstream"),
        ({"min_age": "30d", "freeze": "2026-10-01"}, "a date"),
        ({"min_age": "30d", "exceptions": [{"name": "demo", "reason": "why"}]}, "'until' is missing"),
        ({"min_age": "30d", "exceptions": [{**EXCEPTION, "reason": ""}]}, "Length of 'reason'"),
        ({"exceptions": [EXCEPTION]}, 'add min_age = "30d"'),
    ],
)
async def test_options_that_cannot_be_are_told_before_anything_is_asked(
    open_depot: Open, index: Any, options: dict[str, Any], said: str
) -> None:
    """With file and key; a defence that is not configured as meant must not look as if it were."""
    with open_depot(options) as opened, pytest.raises(ConfigurationError) as caught:
        await sync(opened, "tools")

    assert said in str(caught.value)
    assert "repositories.tools.plugins.cooldown" in caught.value.where
    assert index.origin.requests == []
