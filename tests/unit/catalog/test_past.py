"""What a repository knew of keys before a run."""

from __future__ import annotations

from entrepot.catalog.catalog import Catalog
from entrepot.model.ledger import Appearance, Past, RefusalRow
from unit.catalog.clocks import Clock
from unit.catalog.saying import a_run, declare, key, link, said, sync

ONE, OTHER = said("a", links=[link("a.bin", "one")]), said("a", links=[link("a.bin", "other")])


async def asked(catalog: Catalog, *names: str) -> Past:
    """What the next run is told."""
    ledger = await catalog.begin(a_run())
    past = await ledger.past([key(name) for name in names])
    await ledger.finish("failed", {})
    return past


def briefly(appearances: object) -> list[tuple[bytes, float, bool]]:
    """Bytes, moment, and whether the latest version has them."""
    assert isinstance(appearances, list)
    return sorted((row.digest, row.since, row.is_latest) for row in appearances if isinstance(row, Appearance))


async def test_bytes_are_known_by_the_version_that_first_had_them(catalog: Catalog, clock: Clock) -> None:
    """Also when the latest has others; of another key and another repository nothing is told."""
    await sync(catalog, ONE, said("b", links=[link("b.bin", "b")]))
    clock.now += 10
    await sync(catalog, OTHER)
    await sync(catalog, said("c", links=[link("c.bin", "c")]), repository="elsewhere")

    past = await asked(catalog, "a", "c", "never")

    first, second = ONE.artifacts[0].digest, OTHER.artifacts[0].digest
    assert briefly(past.appearances) == sorted([(first, clock.now - 10, False), (second, clock.now, True)])


async def test_what_this_run_does_changes_nothing_of_the_past(catalog: Catalog) -> None:
    """What it takes out is still part of the latest version, and what it brings is not yet."""
    await sync(catalog, ONE)
    ledger = await catalog.begin(a_run())

    await declare(ledger, OTHER)
    await ledger.refuse([RefusalRow(key("a"), "rule", "reason", "plugin", "Stage", None, None)])
    past = await ledger.past([key("a")])

    assert [(row.digest, row.is_latest) for row in past.appearances] == [(ONE.artifacts[0].digest, True)]
    assert past.refusals == []
    await ledger.finish("failed", {})


async def test_refusals_are_known_whatever_became_of_their_run(catalog: Catalog) -> None:
    """Of failed runs too, and of one that was cut off; the oldest first."""
    for number, outcome in enumerate(("unchanged", "failed", "cancelled")):
        ledger = await catalog.begin(a_run())
        await ledger.refuse([RefusalRow(key("a"), "rule", str(number), "plugin", "Stage", "scope", 5.0)])
        await ledger.finish(outcome, {})

    past = await asked(catalog, "a", "b", "a")

    assert [(row.reason, row.until) for row in past.refusals] == [("0", 5.0), ("1", 5.0), ("2", 5.0)]


async def test_more_keys_than_a_batch_are_all_answered(catalog: Catalog) -> None:
    """Asked in pieces, told in one."""
    names = [f"n{number:05}" for number in range(2500)]
    await sync(catalog, *(said(name, links=[link(name, name)]) for name in names[:2000]))

    past = await asked(catalog, *names)

    assert [row.key for row in past.appearances] == [key(name) for name in names[:2000]]
