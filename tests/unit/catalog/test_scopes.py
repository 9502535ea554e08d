"""Scopes: one statement may be listed in several, and goes with the last that has it."""

from __future__ import annotations

import pytest

from entrepot.catalog.catalog import Catalog
from entrepot.model.ledger import Changes, Contradiction, FailureRow, Ledger, Member, RefusalRow, Statement
from unit.catalog.saying import a_run, declare, holding, key, names, said

SHARED = said("shared")


async def listed(catalog: Catalog, *, mirror: bool = True, **by_scope: list[Statement]) -> int:
    """Make a version of what each scope lists, read in full."""
    ledger = await catalog.begin(a_run(mirror=mirror))
    for scope, statements in by_scope.items():
        await declare(ledger, *statements, scope=scope)
    return await sealed(ledger, mirror=mirror)


async def sealed(ledger: Ledger, *, mirror: bool = True) -> int:
    """End a run as the seal does."""
    if mirror:
        await ledger.remove_undeclared()
    await ledger.unmet()
    await ledger.complete(fingerprint="", report={})
    return ledger.number


@pytest.mark.promise("P02")
@pytest.mark.parametrize("rest", [False, True])
@pytest.mark.parametrize("kept", ["a", "b"])
async def test_what_a_kept_scope_lists_stays_when_another_lets_it_go(catalog: Catalog, kept: str, rest: bool) -> None:
    """Whichever scope named it first, and however the scope is kept."""
    await listed(catalog, a=[SHARED, said("of a")], b=[SHARED, said("of b")])
    read = {"a": "b", "b": "a"}[kept]
    ledger = await catalog.begin(a_run())
    await (ledger.keep_rest() if rest else ledger.keep(kept))
    await declare(ledger, said("new"), scope=read)

    number = await sealed(ledger)

    assert names(catalog, number) == holding(SHARED, said(f"of {kept}"), said("new"))


@pytest.mark.promise("P02")
@pytest.mark.parametrize("first", ["a", "b"])
async def test_it_goes_with_the_last_scope_that_lists_it(catalog: Catalog, first: str) -> None:
    """One version after the other lets it go, in either order, the rest kept."""
    second = {"a": "b", "b": "a"}[first]
    await listed(catalog, a=[SHARED, said("of a")], b=[SHARED, said("of b")])

    for scope in (first, second):
        assert key("shared") in names(catalog, catalog.reader.version("tools").number)
        ledger = await catalog.begin(a_run())
        await ledger.keep_rest()
        await declare(ledger, said(f"of {scope}"), scope=scope)
        number = await sealed(ledger)

    assert names(catalog, number) == holding(said("of a"), said("of b"))
    assert names(catalog, 1) == holding(SHARED, said("of a"), said("of b"))


async def test_a_unit_that_moves_to_another_scope_is_of_that_one(catalog: Catalog) -> None:
    """The scope that let it go no longer keeps it, and nothing counts as changed."""
    await listed(catalog, a=[SHARED, said("of a")])
    ledger = await catalog.begin(a_run())
    await declare(ledger, said("of a"), scope="a")
    await declare(ledger, SHARED, scope="b")
    await ledger.remove_undeclared()
    assert not await ledger.changes()
    await ledger.complete(fingerprint="", report={})

    ledger = await catalog.begin(a_run())
    await ledger.keep("a")
    number = await sealed(ledger)

    assert names(catalog, number) == holding(said("of a"))


@pytest.mark.parametrize("together", [False, True])
async def test_both_scopes_count_when_one_batch_names_them(catalog: Catalog, together: bool) -> None:
    """Within a batch or between two; a unit without a scope is in a part of its own."""
    ledger = await catalog.begin(a_run())
    (number,) = await ledger.save_contents([SHARED])
    members = [Member(key("shared"), number, scope) for scope in ("a", "b", None)]
    for batch in [members] if together else [[member] for member in members]:
        assert await ledger.associate(batch) == []
    await sealed(ledger)

    for scope in ("a", "b"):
        ledger = await catalog.begin(a_run())
        await ledger.keep_rest()
        await ledger.drop(scope)
        await sealed(ledger)
        assert key("shared") in names(catalog, ledger.number)

    ledger = await catalog.begin(a_run())
    await ledger.keep_rest()
    await declare(ledger, said("other"))
    assert names(catalog, await sealed(ledger)) == holding(said("other"))


@pytest.mark.promise("P01")
async def test_a_run_that_came_to_nothing_leaves_every_scope_as_it_was(catalog: Catalog) -> None:
    """What it closed, moved and added is taken back, also beyond one transaction."""
    many = [said(f"{number:05}") for number in range(2100)]
    await listed(catalog, a=many, b=many)
    ledger = await catalog.begin(a_run())
    await ledger.keep("b")
    await declare(ledger, *many[:5], scope="c")
    await ledger.remove_undeclared()
    await ledger.finish("failed", {})

    assert catalog.audit.violations(ended=True) == []
    for scope in ("a", "b"):
        ledger = await catalog.begin(a_run())
        await ledger.keep(scope)
        await ledger.remove_undeclared()
        assert await ledger.changes() == Changes(0, 0, 0, 2100)
        await ledger.finish("failed", {})


async def test_units_listed_twice_cost_no_more_writes_when_nothing_changes(catalog: Catalog) -> None:
    """Only that they were declared is written, in each scope, whichever comes first this time."""
    units = [said(f"{number}") for number in range(300)]
    await listed(catalog, a=units, b=units)
    ledger = await catalog.begin(a_run())
    numbers = await ledger.find_contents([unit.identity for unit in units], [unit.key for unit in units])
    rows = catalog.statements.rows

    for scope in ("b", "a"):
        await ledger.associate(
            [Member(unit.key, number or 0, scope) for unit, number in zip(units, numbers, strict=True)]
        )
    await ledger.remove_undeclared()

    assert catalog.statements.rows - rows == 2 * len(units)
    assert not await ledger.changes()


async def test_a_kept_key_keeps_its_scopes(catalog: Catalog) -> None:
    """Where a failed unit's predecessor stays, nobody knows which scope still lists it."""
    await listed(catalog, a=[SHARED], b=[SHARED, said("of b")])
    ledger = await catalog.begin(a_run())
    await ledger.fail([FailureRow(key("shared"), "S", "p", "e", None, "a")], keep=True)
    await declare(ledger, said("of b"), scope="b")
    await sealed(ledger)

    for scope in ("a", "b"):
        ledger = await catalog.begin(a_run())
        await ledger.keep(scope)
        await ledger.remove_undeclared()
        assert (await ledger.changes()).unchanged >= 1
        await ledger.finish("failed", {})


async def test_an_evicted_member_is_listed_nowhere(catalog: Catalog) -> None:
    """It comes back only with a scope that declares it anew."""
    await listed(catalog, a=[SHARED], b=[SHARED])
    ledger = await catalog.begin(a_run())
    await ledger.keep("b")
    await ledger.refuse([RefusalRow(key("shared"), "r", "r", "p", "S", "a", None)], evict=[key("shared")])

    number = await sealed(ledger)

    assert names(catalog, number) == {}
    assert catalog.audit.violations(ended=True) == []


@pytest.mark.parametrize("rest", [False, True])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("kept", ["a", "b"])
async def test_a_statement_against_a_kept_scope_is_told(catalog: Catalog, kept: str, mirror: bool, rest: bool) -> None:
    """A kept scope counts as declared: both statements are named, with the scopes they are in."""
    await listed(catalog, a=[SHARED], b=[SHARED])
    other, read = said("shared", "another"), {"a": "b", "b": "a"}[kept]
    ledger = await catalog.begin(a_run(mirror=mirror))
    before, after = await ledger.save_contents([SHARED, other])
    await (ledger.keep_rest() if rest else ledger.keep(kept))
    await declare(ledger, other, scope=read)
    if mirror:
        await ledger.remove_undeclared()

    told = await ledger.contradictions()

    assert told == [Contradiction(key("shared"), read, after, kept, before)]
    assert await ledger.contradictions((key("shared"), kept)) == []


async def test_nothing_is_contradicted_where_every_scope_was_read(catalog: Catalog) -> None:
    """Nor where the scope that had it is the one that says otherwise, or keeps something else."""
    await listed(catalog, a=[SHARED], b=[SHARED], c=[said("of c")])
    ledger = await catalog.begin(a_run())
    await ledger.keep("c")
    await declare(ledger, said("shared", "another"), scope="a")
    await declare(ledger, said("shared", "another"), scope="b")
    await ledger.remove_undeclared()

    assert await ledger.contradictions() == []


async def test_pruning_takes_the_scopes_of_versions_that_are_gone(catalog: Catalog) -> None:
    """What is left says the same of the versions that are left."""
    await listed(catalog, a=[SHARED], b=[SHARED])
    await listed(catalog, a=[SHARED], b=[said("of b")])
    await listed(catalog, a=[SHARED], b=[SHARED])

    with catalog.collector() as collector:
        collector.prune_versions("tools", keep=1, now=0.0)

    ledger = await catalog.begin(a_run())
    await ledger.keep("b")
    number = await sealed(ledger)
    assert names(catalog, number) == holding(SHARED)
    assert catalog.audit.violations(ended=True) == []
