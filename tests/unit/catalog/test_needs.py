"""Dependencies: which members of the new version lack what they need."""

from __future__ import annotations

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
    """However long a chain is, every link of it falls, and is removed in bounded transactions."""
    ledger = await catalog.begin(a_run())
    for number in range(60):
        await needing(ledger, said(f"{number:03}"), f"{number + 1:03}")

    unmet = await ledger.unmet()

    assert len(unmet) == 60
    assert len(unmet[0].chain) == 61
    assert not await ledger.changes()


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
