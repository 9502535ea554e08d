"""Dependencies: which members of the new version lack what they need."""

from __future__ import annotations

from entrepot.catalog.catalog import Catalog
from entrepot.model.ledger import Changes, Member, Unmet
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
