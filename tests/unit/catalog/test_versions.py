"""Versions: what a run declares becomes an immutable set, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrepot.catalog.catalog import Catalog
from entrepot.errors import UnknownName
from entrepot.model.ledger import Changes, Clash, FailureRow, Member, PathClash, RefusalRow
from unit.catalog.clocks import Clock
from unit.catalog.saying import a_run, declare, holding, key, link, names, said, sync


def failure(name: str, scope: str | None = None) -> FailureRow:
    return FailureRow(key(name), "Stage", "plugin", "it broke", None, scope)


def refusal(name: str, scope: str | None = None, until: float | None = None) -> RefusalRow:
    return RefusalRow(key(name), "rule", "reason", "plugin", "Stage", scope, until)


@pytest.mark.promise("P01")
async def test_a_version_is_seen_whole_or_not_at_all(catalog: Catalog) -> None:
    """Nothing of a version shows before its one commit; the latest stays the one before."""
    await sync(catalog, said("a"))
    ledger = await catalog.begin(a_run())
    await declare(ledger, said("b"))
    await ledger.remove_undeclared()

    assert catalog.reader.version("tools").number == 1
    assert names(catalog, 1) == holding(said("a"))
    with pytest.raises(UnknownName):
        catalog.reader.members("tools", 2)

    await ledger.complete(fingerprint="", report={"seen": True})
    assert catalog.reader.version("tools").report == {"seen": True}
    assert names(catalog, 1) == holding(said("a"))
    assert names(catalog, 2) == holding(said("b"))


async def test_another_statement_takes_its_predecessors_place(catalog: Catalog) -> None:
    """A version has at most one statement for each key, mirror or not; the old version keeps its own."""
    await sync(catalog, said("a", "old"), said("b"))
    ledger = await catalog.begin(a_run(mirror=False))

    await declare(ledger, said("a", "new"))

    assert await ledger.changes() == Changes(added=0, changed=1, removed=0, unchanged=1)
    await ledger.complete(fingerprint="", report={})
    assert names(catalog, 1) == holding(said("a", "old"), said("b"))
    assert names(catalog, 2) == holding(said("a", "new"), said("b"))


async def test_declaring_twice_is_declaring_once(catalog: Catalog) -> None:
    """A batch may be given twice, and one statement twice within it."""
    ledger = await catalog.begin(a_run())

    for _ in range(2):
        assert await declare(ledger, said("a"), said("b"), said("a")) == []

    assert await ledger.changes() == Changes(added=2, changed=0, removed=0, unchanged=0)


async def test_one_key_with_two_statements_is_a_clash(catalog: Catalog) -> None:
    """Within a batch or between two, the first stays and both are named; also where neither is new."""
    await sync(catalog, said("a", "x"), said("b"))
    ledger = await catalog.begin(a_run())
    x, y, z = await ledger.save_contents([said("a", "x"), said("a", "y"), said("a", "z")])

    within = await ledger.associate([Member(key("a"), x, None), Member(key("a"), y, None)])
    between = await ledger.associate([Member(key("b"), z, None), Member(key("a"), z, None), Member(key("a"), x, None)])

    assert within == [Clash(key("a"), x, y)]
    assert between == [Clash(key("a"), x, z)]
    await ledger.complete(fingerprint="", report={})
    assert names(catalog, 2)[key("a")] == said("a", "x").fields


async def test_the_same_statement_from_another_scope_is_no_difference(catalog: Catalog) -> None:
    """Where a statement was listed is not part of a version, and is remembered all the same."""
    ledger = await catalog.begin(a_run())
    await declare(ledger, said("a"), scope="old")
    await ledger.complete(fingerprint="", report={})
    ledger = await catalog.begin(a_run())

    await declare(ledger, said("a"), scope="new")
    await ledger.remove_undeclared()

    assert not await ledger.changes()
    await ledger.complete(fingerprint="", report={})
    assert catalog.reader.diff("tools", 1, 2) == []
    ledger = await catalog.begin(a_run())
    await ledger.keep("new")
    assert await ledger.remove_undeclared() == 0


async def test_mirroring_removes_what_nobody_declared(catalog: Catalog) -> None:
    """Whatever is in no kept scope and was not declared goes; version by version it can be told."""
    await sync(catalog, *(said(str(number)) for number in range(5000)))
    ledger = await catalog.begin(a_run())
    await declare(ledger, *(said(str(number)) for number in range(0, 5000, 1000)))

    assert await ledger.remove_undeclared() == 4995
    assert await ledger.remove_undeclared() == 0
    assert await ledger.changes() == Changes(added=0, changed=0, removed=4995, unchanged=5)
    await ledger.complete(fingerprint="", report={})
    assert catalog.reader.version("tools").members == 5
    assert len(catalog.reader.members("tools", 1, limit=9999)) == 5000


@pytest.fixture
async def scoped(catalog: Catalog) -> Catalog:
    """A catalog with a version whose members came from scopes, and one from none."""
    ledger = await catalog.begin(a_run())
    for scope in ("a", "b", "c", "d"):
        await declare(ledger, said(f"{scope}1"), said(f"{scope}2"), scope=scope)
    await declare(ledger, said("loose"))
    await ledger.complete(fingerprint="", report={})
    return catalog


async def left(catalog: Catalog, number: int = 2) -> set[str]:
    return {name.split('"')[3] for name in names(catalog, number)}


async def test_a_kept_scope_stays_as_it_was(scoped: Catalog) -> None:
    """Members of kept scopes stay though nobody declared them; those of others go."""
    ledger = await scoped.begin(a_run())
    await ledger.keep("a")
    await declare(ledger, said("b1"), scope="b")
    await ledger.keep("c")

    await ledger.remove_undeclared()

    await ledger.complete(fingerprint="", report={})
    assert await left(scoped) == {"a1", "a2", "b1", "c1", "c2"}


async def test_the_rest_is_kept_but_what_was_declared_or_dropped(scoped: Catalog) -> None:
    """After `keep_rest` a scope that was declared is as declared, a dropped one is gone, others stay."""
    ledger = await scoped.begin(a_run())
    await ledger.keep_rest()
    await declare(ledger, said("a1"), said("a3"), scope="a")
    await ledger.drop("b")

    await ledger.remove_undeclared()

    await ledger.complete(fingerprint="", report={})
    assert await left(scoped) == {"a1", "a3", "c1", "c2", "d1", "d2", "loose"}


async def test_a_scope_of_which_all_was_refused_is_not_kept_with_the_rest(scoped: Catalog) -> None:
    """Whether a refused unit's predecessor goes does not depend on its neighbours; an explicit `keep` counts."""
    ledger = await scoped.begin(a_run())
    await ledger.keep_rest()
    await ledger.keep("b")
    for name in ("a", "b"):
        await ledger.refuse([RefusalRow(key(f"{name}1"), "rule", "reason", "plugin", "Stage", name, None)])

    await ledger.remove_undeclared()

    await ledger.complete(fingerprint="", report={})
    assert await left(scoped) == {"b1", "b2", "c1", "c2", "d1", "d2", "loose"}


async def test_members_without_a_scope_are_one_part_of_the_rest(scoped: Catalog) -> None:
    """They stay after `keep_rest` unless the run declared one of their kind."""
    ledger = await scoped.begin(a_run())
    await ledger.keep_rest()
    await declare(ledger, said("looser"))

    await ledger.remove_undeclared()

    await ledger.complete(fingerprint="", report={})
    assert await left(scoped) == {"a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2", "looser"}


async def test_the_predecessor_of_a_failed_unit_is_kept_if_so_told(catalog: Catalog) -> None:
    """`keep` spares the key of each failure from mirroring; without it the key goes."""
    await sync(catalog, said("spared"), said("lost"))
    ledger = await catalog.begin(a_run())

    await ledger.fail([failure("spared")], keep=True)
    await ledger.fail([failure("lost")], keep=False)
    await ledger.remove_undeclared()

    await ledger.complete(fingerprint="", report={})
    assert await left(catalog) == {"spared"}
    assert catalog.reader.failures("tools", ledger.run) == [failure("lost"), failure("spared")]


async def test_a_refused_unit_can_take_its_predecessor_along(catalog: Catalog) -> None:
    """Only with `evict`, only a predecessor that nobody declares, and at once, mirror or not."""
    await sync(catalog, said("evicted"), said("declared"), said("stays"))
    ledger = await catalog.begin(a_run(mirror=False))
    await declare(ledger, said("declared"))

    await ledger.refuse([refusal("evicted"), refusal("declared")], evict=[key("evicted"), key("declared")])
    await ledger.refuse([refusal("stays")])

    assert await ledger.changes() == Changes(added=0, changed=0, removed=1, unchanged=2)
    await ledger.complete(fingerprint="", report={})
    assert await left(catalog) == {"declared", "stays"}
    assert [row.key for row in catalog.reader.refusals("tools", ledger.run)] == [
        key("declared"),
        key("evicted"),
        key("stays"),
    ]


async def test_a_run_that_makes_no_version_leaves_no_trace_in_the_next(catalog: Catalog) -> None:
    """Whatever it added and removed is undone; its number goes to the next run, its report stays."""
    await sync(catalog, said("a"), said("b"))
    ledger = await catalog.begin(a_run())
    await declare(ledger, said("a", "new"), said("c"))
    await ledger.remove_undeclared()

    await ledger.finish("failed", {"error": "no"})

    last = catalog.reader.last_run("tools")
    assert last is not None
    assert (last.id, last.outcome, last.version, last.report) == (ledger.run, "failed", None, {"error": "no"})
    following = await catalog.begin(a_run())
    assert (following.number, following.recovered) == (2, True)
    assert await following.changes() == Changes(added=0, changed=0, removed=0, unchanged=2)


@pytest.mark.promise("P08")
async def test_what_a_dead_run_left_is_undone_by_whoever_comes_next(
    catalog: Catalog, catalog_url: str, tmp_path: Path
) -> None:
    """Neither its members nor its removals show, and the next run is told of it."""
    await sync(catalog, said("a"), said("b"))
    dying = Catalog.open(catalog_url, locks=tmp_path / "locks")
    dead = await dying.begin(a_run())
    await declare(dead, said("a", "new"), *(said(f"c{number}") for number in range(2500)))
    await dead.remove_undeclared()
    dying.close()

    ledger = await catalog.begin(a_run())

    assert (ledger.number, ledger.recovered) == (2, True)
    assert await ledger.changes() == Changes(added=0, changed=0, removed=0, unchanged=2)


@pytest.mark.fault("B04")
async def test_a_path_claimed_with_different_bytes_is_a_clash(catalog: Catalog) -> None:
    """Only what comes in is looked at, against all that is there; equal bytes may share a path."""
    await sync(
        catalog,
        said("a", links=[link("same", "x"), link("differs", "x")]),
        said("other", links=[link("elsewhere", "x")]),
    )
    ledger = await catalog.begin(a_run(mirror=False))

    await declare(ledger, said("b", links=[link("same", "x"), link("differs", "y")]))

    assert await ledger.path_clashes() == [PathClash("differs", (key("b"), key("a")))]


async def test_what_replaces_a_statement_may_claim_its_path_anew(catalog: Catalog) -> None:
    """A predecessor that left the version is no clash; neither are two newcomers that agree."""
    await sync(catalog, said("a", links=[link("path", "old")]))
    ledger = await catalog.begin(a_run())

    await declare(ledger, said("a", links=[link("path", "new")]), said("b", links=[link("other", "x")]))

    assert await ledger.path_clashes() == []


async def test_two_newcomers_clash_once(catalog: Catalog) -> None:
    """Each pair of members is told once, in a first version too, and no more than were asked for."""
    ledger = await catalog.begin(a_run())
    for number in range(30):
        path = f"path-{number:02}"
        await declare(ledger, said(f"a{number}", links=[link(path, "x")]), said(f"b{number}", links=[link(path, "y")]))

    clashes = await ledger.path_clashes(limit=7)

    assert [clash.relative_path for clash in clashes] == [f"path-{number:02}" for number in range(7)]


@pytest.mark.fault("C13")
async def test_a_clock_that_steps_back_makes_no_version_older(catalog: Catalog, clock: Clock) -> None:
    """Moments never go down from version to version, so that a date means one version."""
    clock.now = 500.0
    await sync(catalog, said("a"))
    clock.now = 400.0

    await sync(catalog, said("b"))

    assert [version.completed for version in catalog.reader.versions("tools")] == [500.0, 500.0]
    assert catalog.reader.version("tools", 500.0).number == 2


async def test_the_fingerprint_of_the_latest_publication_is_known_to_the_next_run(catalog: Catalog) -> None:
    """It decides whether a version is made though no content differs."""
    ledger = await catalog.begin(a_run())
    assert await ledger.previous_fingerprint() is None
    await ledger.complete(fingerprint="made so", report={})

    assert await (await catalog.begin(a_run())).previous_fingerprint() == "made so"
