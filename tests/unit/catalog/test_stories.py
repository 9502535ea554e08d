"""Stories: what is known of one key across versions and runs."""

from __future__ import annotations

import pytest

from entrepot.catalog.catalog import Catalog
from entrepot.model.ledger import FailureRow, RefusalRow
from unit.catalog.saying import a_run, declare, key, said, sync


def refusal(name: str, scope: str | None = None) -> RefusalRow:
    """A refusal by a plugin that says its version, and how to let the unit through."""
    return RefusalRow(key(name), "min-age", "too young", "cooldown", "HoldBack", scope, 9.5, "1.2", "wait")


async def refuse(catalog: Catalog, name: str, scope: str | None, *, outcome: str = "unchanged") -> int:
    """A run that refuses one unit and nothing else; its number."""
    ledger = await catalog.begin(a_run(mirror=False))
    await ledger.refuse([refusal(name, scope)])
    await ledger.finish(outcome, {})
    last = catalog.reader.last_run("tools")
    assert last is not None
    return last.id


def between(catalog: Catalog, name: str) -> list[tuple[int, int | None]]:
    """The versions that each statement about a key came and went with."""
    return [(stay.added, stay.removed) for stay in catalog.reader.story("tools", key(name)).stays]


async def test_a_key_is_told_from_its_first_version_to_its_last(catalog: Catalog) -> None:
    """Every stretch of versions that one statement was in; None for as long as it is there."""
    await sync(catalog, said("a", "one"), said("b"))
    await sync(catalog, said("a", "two"), said("b"))
    await sync(catalog, said("b"))

    assert between(catalog, "a") == [(1, 2), (2, 3)]
    assert between(catalog, "b") == [(1, None)]
    assert catalog.reader.story("tools", key("b")).latest == 3


async def test_what_a_run_has_under_construction_does_not_show(catalog: Catalog) -> None:
    """Neither what it adds nor what it takes away."""
    await sync(catalog, said("a"))
    ledger = await catalog.begin(a_run())
    await declare(ledger, said("b"))
    await ledger.remove_undeclared()

    assert catalog.reader.keys("tools") == [key("a")]
    assert between(catalog, "a") == [(1, None)]
    assert catalog.reader.story("tools", key("b")).stays == []


async def test_refusals_and_failures_come_with_their_run(catalog: Catalog) -> None:
    """The latest first, with all that was recorded."""
    first = await refuse(catalog, "a", "s")
    ledger = await catalog.begin(a_run(mirror=False))
    await ledger.refuse([refusal("a", "s")])
    await ledger.fail([FailureRow(key("a"), "Stage", "plugin", "broke", None, "s")], keep=False)
    await ledger.finish("failed", {})

    story = catalog.reader.story("tools", key("a"))

    assert [(note.run.outcome, note.row) for note in story.refusals] == [
        ("failed", refusal("a", "s")),
        ("unchanged", refusal("a", "s")),
    ]
    assert story.refusals[1].run.id == first
    assert [(note.run.outcome, note.row.error) for note in story.failures] == [("failed", "broke")]


async def test_keys_are_paged_in_order_whatever_is_known_of_them(catalog: Catalog) -> None:
    """Members then and now, refused and failed, each key once and none passed over."""
    await sync(catalog, *(said(f"m{number}") for number in range(7)))
    await sync(catalog, said("m0"))
    ledger = await catalog.begin(a_run(mirror=False))
    await ledger.refuse([refusal(f"n{number}") for number in range(5)] + [refusal("m3")])
    await ledger.fail([FailureRow(key(f"l{number}"), "S", "p", "e", None, None) for number in range(3)], keep=False)
    await ledger.finish("failed", {})

    pages, after = [], ""
    while page := catalog.reader.keys("tools", after=after, limit=3):
        pages += page
        after = page[-1]

    expected = [*(f"l{n}" for n in range(3)), *(f"m{n}" for n in range(7)), *(f"n{n}" for n in range(5))]
    assert pages == [key(name) for name in expected]
    assert catalog.reader.keys("tools", after='["test.thing","n', end='["test.thing","n~') == [
        key(f"n{number}") for number in range(5)
    ]


@pytest.mark.parametrize(
    ("scope", "other", "again"),
    [("s", "s", True), ("s", "t", False), ("s", None, False), (None, None, True), (None, "s", False)],
)
async def test_a_scope_was_read_again_when_a_later_run_tells_of_it(
    catalog: Catalog, scope: str | None, other: str | None, again: bool
) -> None:
    """A refusal of something else there shows that it was looked at; one elsewhere shows nothing."""
    run = await refuse(catalog, "a", scope)
    await refuse(catalog, "b", other)

    assert catalog.reader.read_again("tools", scope, run) is again


async def test_a_checkpoint_tells_that_a_scope_was_read_again(catalog: Catalog) -> None:
    """It is noted by who has read; a run that notes nothing of a scope tells nothing."""
    run = await refuse(catalog, "a", "s")
    for scope in ("t", "s"):
        assert not catalog.reader.read_again("tools", "s", run)
        ledger = await catalog.begin(a_run(mirror=False))
        await ledger.note_checkpoint(scope, "etag")
        await ledger.finish("unchanged", {})

    assert catalog.reader.read_again("tools", "s", run)


async def test_members_that_come_or_go_tell_that_a_scope_was_read_again(catalog: Catalog) -> None:
    """Of that scope, and in a version after the run."""
    await sync(catalog, said("x"))
    run = await refuse(catalog, "a", "s")

    ledger = await catalog.begin(a_run(mirror=False))
    await declare(ledger, said("new"), scope="s")
    await ledger.complete(fingerprint="", report={})

    assert catalog.reader.read_again("tools", "s", run)
    assert not catalog.reader.read_again("tools", "t", run)


async def test_a_run_that_failed_or_tried_a_part_has_not_read_again(catalog: Catalog) -> None:
    """It may never have come to what it does not tell of."""
    run = await refuse(catalog, "a", "s")

    await refuse(catalog, "b", "s", outcome="failed")
    ledger = await catalog.begin(a_run(mirror=False))
    await ledger.refuse([refusal("b", "s")])
    await ledger.finish("unchanged", {"retried": True})

    assert not catalog.reader.read_again("tools", "s", run)
