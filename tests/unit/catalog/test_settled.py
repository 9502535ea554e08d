"""The version under construction, as the seal and its publisher ask about it."""

from __future__ import annotations

from entrepot.catalog.catalog import Catalog
from unit.catalog.saying import TYPE, a_run, declare, key, link, said, sync


async def test_contents_come_in_pages_in_order_of_key(catalog: Catalog) -> None:
    """One type at a time, each member once, whatever the order it was declared in."""
    ledger = await catalog.begin(a_run())
    await declare(ledger, *(said(f"{number:03}") for number in reversed(range(25))))
    await declare(ledger, said("x", type_name="test.thing2"), said("y", type_name="test.thin"))

    pages = [await ledger.contents(TYPE, limit=10)]
    while pages[-1]:
        pages.append(await ledger.contents(TYPE, after=pages[-1][-1].key, limit=10))

    assert [len(found) for found in pages] == [10, 10, 5, 0]
    assert [row.key for found in pages for row in found] == [key(f"{number:03}") for number in range(25)]
    assert [row.type for row in await ledger.contents("test.thin")] == ["test.thin"]


async def test_contents_are_found_by_an_indexed_field(catalog: Catalog) -> None:
    """Only members of the new version: not what it replaced, nor what another repository has."""

    def of(project: str, name: str, state: str = ""):  # type: ignore[no-untyped-def]  # a shorthand
        return said(name, state, indexed=[("project", project), ("state", state or "none")])

    await sync(catalog, of("p", "a"), of("p", "b"), of("q", "c"))
    await sync(catalog, of("p", "elsewhere"), repository="other")
    ledger = await catalog.begin(a_run(mirror=False))
    await declare(ledger, of("p", "a", "new"), of("p", "d"))

    first = await ledger.contents(TYPE, where=("project", "p"), limit=2)
    second = await ledger.contents(TYPE, where=("project", "p"), after=first[-1].key, limit=2)

    assert [row.key for row in first + second] == [key("a"), key("b"), key("d")]
    assert first[0].fields == of("p", "a", "new").fields
    assert await ledger.contents(TYPE, where=("project", "none")) == []


async def test_values_are_those_of_all_or_of_what_came_and_went(catalog: Catalog) -> None:
    """Distinct and in order; changed ones are those of members that were added, replaced or removed."""

    def in_(project: str, name: str, state: str = ""):  # type: ignore[no-untyped-def]  # a shorthand
        return said(name, state, indexed=[("project", project)])

    ledger = await catalog.begin(a_run())
    await declare(ledger, in_("p", "a"), in_("q", "b"), in_("r", "c"), in_("p", "d"), in_("s", "e"))
    assert await ledger.values(TYPE, "project", changed=True) == ["p", "q", "r", "s"]
    await ledger.complete(fingerprint="", report={})

    ledger = await catalog.begin(a_run())
    await declare(ledger, in_("p", "a"), in_("q", "b", "new"), in_("p", "d"), in_("s", "e"), in_("t", "f"))
    await ledger.remove_undeclared()

    assert await ledger.values(TYPE, "project") == ["p", "q", "s", "t"]
    assert await ledger.values(TYPE, "project", changed=True) == ["q", "r", "t"]
    assert await ledger.values("test.thing2", "project") == []


async def test_paths_come_in_pages_in_order_of_path(catalog: Catalog) -> None:
    """Each artifact of each member once, also where several share a path, or pages are asked anew."""
    ledger = await catalog.begin(a_run())
    await declare(ledger, *(said(str(n), links=[link(f"z-{-n % 7}", "x"), link(f"a-{n:02}", "y")]) for n in range(20)))
    await declare(ledger, said("other", links=[link("b", "b")], type_name="test.other"))

    pages = [await ledger.paths(TYPE, limit=9)]
    while pages[-1]:
        pages.append(await ledger.paths(TYPE, after=(pages[-1][-1].relative_path, pages[-1][-1].content), limit=9))

    rows = [row for found in pages for row in found]
    assert [len(found) for found in pages] == [9, 9, 9, 9, 4, 0]
    assert [(row.relative_path, row.content) for row in rows] == sorted((row[0], row[1]) for row in rows)
    assert len(set(rows)) == 40
    middle = rows[12]
    assert await ledger.paths(TYPE, after=(middle.relative_path, middle.content), limit=3) == rows[13:16]
