"""Dependencies: which members of the new version lack what they need."""

from __future__ import annotations

import asyncio

import pytest

from entrepot.catalog.catalog import Catalog
from entrepot.model.ledger import Changes, Ledger, Member, RefusalRow, Statement, Unmet
from unit.catalog.saying import a_run, declare, holding, key, names, needing, said, sync


async def test_what_lacks_something_falls_and_takes_along_what_needs_it(catalog: Catalog) -> None:
    """The chain is named to its end; what needs only what is there stands."""
    ledger = await catalog.begin(a_run())
    await needing(ledger, said("a"), "b")
    await needing(ledger, said("b"), "c", "there")
    await needing(ledger, said("c"), "missing")
    await needing(ledger, said("stands"), "there")
    await declare(ledger, said("there"))

    unmet = await ledger.unmet()

    assert unmet == [
        Unmet(key("a"), (key("a"), key("b"), key("c"), key("missing"))),
        Unmet(key("b"), (key("b"), key("c"), key("missing"))),
        Unmet(key("c"), (key("c"), key("missing"))),
    ]
    await ledger.complete(fingerprint="", report={})
    assert names(catalog, 1) == holding(said("stands"), said("there"))


async def test_what_lacks_something_names_the_scope_it_came_from(catalog: Catalog) -> None:
    """That scope has to be asked for again: what is lacking may turn up in another."""
    ledger = await catalog.begin(a_run())
    statement = said("a")
    (number,) = await ledger.save_contents([statement])
    await ledger.associate([Member(statement.key, number, "page", (key("missing"),))])

    assert await ledger.unmet() == [Unmet(key("a"), (key("a"), key("missing")), "page")]


async def test_a_ring_stands_or_falls_together(catalog: Catalog) -> None:
    """What needs itself in a ring stands, unless something outside of the ring is missing."""
    ledger = await catalog.begin(a_run())
    await needing(ledger, said("a"), "b")
    await needing(ledger, said("b"), "a")
    await needing(ledger, said("x"), "y")
    await needing(ledger, said("y"), "x", "missing")
    await needing(ledger, said("alone"), "alone")

    unmet = await ledger.unmet()

    assert [row.key for row in unmet] == [key("x"), key("y")]
    assert await ledger.changes() == Changes(added=3, changed=0, removed=0, unchanged=0)


async def test_what_was_there_before_and_stays_is_there(catalog: Catalog) -> None:
    """A need is met by a member that this run did not declare, as long as the version keeps it."""
    await sync(catalog, said("kept"), said("gone"))
    ledger = await catalog.begin(a_run())
    await needing(ledger, said("a"), "kept")
    await needing(ledger, said("b"), "gone")
    await declare(ledger, said("kept"))
    await ledger.remove_undeclared()

    assert await ledger.unmet() == [Unmet(key("b"), (key("b"), key("gone")))]


async def test_a_refused_units_predecessor_stays_where_the_version_does_not_mirror(catalog: Catalog) -> None:
    """The unit marks nothing: its predecessor is still there, and meets the needs of others."""
    await sync(catalog, said("a", "old"), said("same"))
    ledger = await catalog.begin(a_run(mirror=False))
    await needing(ledger, said("a", "new"), "missing")
    await needing(ledger, said("same"), "missing")
    await needing(ledger, said("b"), "a")

    unmet = await ledger.unmet()

    assert [row.key for row in unmet] == [key("a"), key("same")]
    await ledger.complete(fingerprint="", report={})
    assert names(catalog, 2) == holding(said("a", "old"), said("same"), said("b"))


async def test_a_refused_unit_leaves_nothing_behind_where_the_version_mirrors(catalog: Catalog) -> None:
    """Predecessor and unit are both gone: upstream no longer has the one, a rule forbids the other."""
    await sync(catalog, said("a", "old"), said("same"))
    ledger = await catalog.begin(a_run())
    await needing(ledger, said("a", "new"), "missing")
    await needing(ledger, said("same"), "missing")
    await ledger.remove_undeclared()

    assert len(await ledger.unmet()) == 2

    assert await ledger.changes() == Changes(added=0, changed=0, removed=2, unchanged=0)
    await ledger.finish("unchanged", {})
    assert await (await catalog.begin(a_run())).changes() == Changes(added=0, changed=0, removed=0, unchanged=2)


async def test_a_long_chain_falls_to_its_last_link(catalog: Catalog) -> None:
    """However long a chain is, every link of it falls; of a long one its ends are told."""
    ledger = await catalog.begin(a_run())
    await chained(ledger, 60)

    unmet = await ledger.unmet()

    assert len(unmet) == 60
    assert [(len(row.chain), row.left_out) for row in unmet] == [(min(8, 61 - n), max(0, 53 - n)) for n in range(60)]
    assert unmet[0].chain == (*(key(f"{number:05}") for number in range(7)), key("00060"))
    assert unmet[52].chain == tuple(key(f"{number:05}") for number in (*range(52, 59), 60))
    assert unmet[53].chain == tuple(key(f"{number:05}") for number in range(53, 61))
    assert not await ledger.changes()


@pytest.mark.sweep
async def test_a_chain_of_ten_thousand_falls_in_bounded_time(catalog: Catalog) -> None:
    """What is told of it grows with the chain, and not with its square."""
    ledger = await catalog.begin(a_run())
    await chained(ledger, 10_000)

    unmet = await asyncio.wait_for(ledger.unmet(), 300)

    assert len(unmet) == 10_000
    assert unmet[0].chain[-1] == key("10000")
    assert max(len(row.chain) for row in unmet) == 8


async def chained(ledger: Ledger, length: int) -> None:
    """Declare so many units, each of which needs the next; the last needs what is not there."""
    statements = [said(f"{number:05}") for number in range(length)]
    numbers = await ledger.save_contents(statements)
    await ledger.associate(
        [
            Member(statement.key, number, None, (key(f"{at + 1:05}"),))
            for at, (statement, number) in enumerate(zip(statements, numbers, strict=True))
        ]
    )


@pytest.mark.parametrize("together", [True, False])
async def test_what_is_declared_twice_needs_what_either_says(catalog: Catalog, *, together: bool) -> None:
    """Whether both come in one batch or not; what another statement of the key says counts for nothing."""
    there, other = said("a"), said("a", "other")
    ledger = await catalog.begin(a_run())
    first, second = await ledger.save_contents([there, other])
    members = [
        Member(there.key, first, "one", (key("there"),)),
        Member(there.key, first, "two", (key("missing"),)),
        Member(there.key, second, "three", (key("elsewhere"),)),
    ]
    await declare(ledger, said("there"))

    for batch in [members] if together else [[member] for member in members]:
        await ledger.associate(batch)

    assert await ledger.unmet() == [Unmet(key("a"), (key("a"), key("missing")), "one", ("two",))]


async def version_of(catalog: Catalog, *needed: tuple[str, str | None, tuple[str, ...]]) -> None:
    """Make a version of names, each in a scope and with what it needs."""
    ledger = await catalog.begin(a_run())
    for name, scope, needs in needed:
        await listing(ledger, said(name), scope, *needs)
    await ledger.complete(fingerprint="", report={})


async def listing(ledger: Ledger, statement: Statement, scope: str | None, *needs: str) -> None:
    """Declare a statement in a scope, with what it needs."""
    (number,) = await ledger.save_contents([statement])
    await ledger.associate([Member(statement.key, number, scope, tuple(key(name) for name in needs))])


async def test_what_is_kept_unseen_goes_with_what_it_needs(catalog: Catalog) -> None:
    """The scope that lists it is named, to be asked for again: what went may come back with it."""
    await version_of(catalog, ("a", "kept", ("b",)), ("b", "kept", ("c",)), ("c", "seen", ()), ("d", "seen", ()))
    ledger = await catalog.begin(a_run())
    await ledger.keep("kept")
    await declare(ledger, said("d"), scope="seen")
    await ledger.remove_undeclared()

    unmet = await ledger.unmet()

    assert unmet == [
        Unmet(key("a"), (key("a"), key("b"), key("c")), "kept"),
        Unmet(key("b"), (key("b"), key("c")), "kept"),
    ]
    await ledger.complete(fingerprint="", report={})
    assert names(catalog, 2) == holding(said("d"))
    assert not catalog.audit.violations(ended=True)


async def test_what_a_member_needs_is_known_for_as_long_as_it_is_one(catalog: Catalog) -> None:
    """Also when no run in between said it again; a need that is not said again ends."""
    await version_of(catalog, ("a", "kept", ("b",)), ("free", "seen", ("b",)), ("b", "seen", ()))
    for number in range(2):
        ledger = await catalog.begin(a_run())
        await ledger.keep("kept")
        await declare(ledger, said("b"), said("free"), said(f"new-{number}"), scope="seen")
        await ledger.remove_undeclared()
        assert await ledger.unmet() == []
        await ledger.complete(fingerprint="", report={})
    ledger = await catalog.begin(a_run(mirror=False))

    await ledger.refuse(
        [RefusalRow(key("b"), "rule", "reason", "plugin", "Stage", "seen", None, "", "")], evict=[key("b")]
    )

    assert [row.key for row in await ledger.unmet()] == [key("a")]


async def test_what_several_scopes_list_names_them_all(catalog: Catalog) -> None:
    """Each may be what brings it back, and each has let it go when it falls."""
    await version_of(catalog, ("a", "one", ("b",)), ("a", "two", ("b",)), ("a", None, ("b",)), ("b", "three", ()))
    ledger = await catalog.begin(a_run())
    await ledger.keep_rest()
    await ledger.drop("three")
    await ledger.remove_undeclared()

    assert await ledger.unmet() == [Unmet(key("a"), (key("a"), key("b")), "one", (None, "two"))]


async def test_a_predecessor_that_lacks_something_does_not_stand(catalog: Catalog) -> None:
    """At once when what it needs was taken out, or as soon as that falls."""
    await version_of(catalog, ("a", None, ("b",)), ("b", None, ("c",)), ("c", None, ()), ("ok", None, ()))
    ledger = await catalog.begin(a_run(mirror=False))
    await ledger.refuse(
        [RefusalRow(key("c"), "rule", "reason", "plugin", "Stage", None, None, "", "")], evict=[key("c")]
    )
    await listing(ledger, said("a", "new"), None, "missing")
    await listing(ledger, said("b", "new"), None, "missing")
    await listing(ledger, said("ok", "new"), None, "missing")

    unmet = await ledger.unmet()

    assert [row.key for row in unmet] == [key("a"), key("b"), key("ok")]
    await ledger.complete(fingerprint="", report={})
    assert names(catalog, 2) == holding(said("ok"))
    assert not catalog.audit.violations(ended=True)


async def test_needs_of_a_version_that_is_not_made_are_forgotten(catalog: Catalog) -> None:
    """What a finished version's members need stays as it was, and goes when the version is pruned."""
    await version_of(catalog, ("a", None, ("b",)), ("b", None, ()))
    ledger = await catalog.begin(a_run())
    await declare(ledger, said("a"), said("b"))
    await ledger.remove_undeclared()
    await ledger.finish("failed", {})

    ledger = await catalog.begin(a_run(mirror=False))
    await ledger.refuse(
        [RefusalRow(key("b"), "rule", "reason", "plugin", "Stage", None, None, "", "")], evict=[key("b")]
    )

    assert [row.key for row in await ledger.unmet()] == [key("a")]
