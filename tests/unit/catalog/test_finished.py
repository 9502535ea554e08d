"""A finished version, read as its publisher read it, on both databases."""

from __future__ import annotations

from contextlib import closing

import pytest
from sqlalchemy import create_engine, text

from entrepot.catalog.catalog import Catalog
from entrepot.catalog.faults import CatalogDamaged
from unit.catalog.saying import TYPE, a_run, declare, link, page, said, sha256

ONE = said("one", links=[link("one.bin", "1")], indexed=[("kind", "first")])
TWO = said("two", links=[link("two.bin", "2")], indexed=[("kind", "second")])
THREE = said("three", links=[link("three.bin", "3")], indexed=[("kind", "second")])


async def twice(catalog: Catalog) -> int:
    """Two versions that have one member in common, each with a page; the repository's own number."""
    for number, statements in enumerate(([ONE, TWO], [TWO, THREE]), start=1):
        ledger = await catalog.begin(a_run())
        await declare(ledger, *statements)
        await ledger.remove_undeclared()
        await ledger.publish([page("index", f"page {number}"), page("same", "same")])
        await ledger.complete(fingerprint="", report={})
    return catalog.inventory.published([sha256("same")])[0].repository


@pytest.mark.promise("P02")
async def test_each_version_tells_its_own_members(catalog: Catalog) -> None:
    """In pages, by field and by path; what came later does not show, what is gone does."""
    repository = await twice(catalog)

    for number, members in ((1, [ONE, TWO]), (2, [THREE, TWO])):
        with closing(catalog.finished(repository, number)) as version:
            rows = await version.contents(TYPE, limit=1)
            rows += await version.contents(TYPE, after=rows[0].key)
            paths = await version.paths(TYPE, limit=1)
            paths += await version.paths(TYPE, after=(paths[0].relative_path, paths[0].content))
            seconds = await version.contents(TYPE, where=("kind", "second"))

            assert version.number == number
            assert [row.key for row in rows] == [member.key for member in members]
            assert [row.relative_path for row in paths] == sorted(one.artifacts[0].relative_path for one in members)
            assert [row.key for row in seconds] == [member.key for member in members if member is not ONE]
            assert await version.values(TYPE, "kind") == (["first", "second"] if number == 1 else ["second"])


@pytest.mark.promise("P09", "P13")
@pytest.mark.fault("C14")
@pytest.mark.parametrize("swapped", [False, True], ids=["flipped", "another page's"])
async def test_a_damaged_page_is_shown_to_nobody_until_it_is_right_again(
    catalog: Catalog, catalog_url: str, swapped: bool
) -> None:
    """Bytes that cannot be read, or those of another page; the same page of all versions is mended at once."""
    await twice(catalog)
    damaged = "(SELECT body FROM published_body WHERE sha256 = :other)" if swapped else ":other"
    engine = create_engine(catalog_url)
    with engine.begin() as connection:
        sql = text(f"UPDATE published_body SET body = {damaged} WHERE sha256 = :sha256")  # noqa: S608  # words of ours
        connection.execute(sql, {"sha256": sha256("same"), "other": sha256("page 1")})
    engine.dispose()

    with pytest.raises(CatalogDamaged, match="page is damaged") as told:
        catalog.reader.locate("tools", 1, "same")
    await catalog.keep_body(sha256("same"), b"same")

    assert told.value.remedy == "have it made again: entrepot repair"
    assert [catalog.reader.locate("tools", number, "same")[0].body for number in (1, 2)] == [b"same", b"same"]
    assert catalog.reader.locate("tools", 1, "index")[0].body == b"page 1"


async def test_a_page_is_found_in_the_latest_version_that_has_it(catalog: Catalog) -> None:
    """There it is made again."""
    await twice(catalog)

    places = catalog.inventory.published([sha256("same"), sha256("page 1"), sha256("page 2"), sha256("none")])

    assert [(place.relative_path, place.number, place.name) for place in places] == [
        ("index", 1, "tools"),
        ("index", 2, "tools"),
        ("same", 2, "tools"),
    ]


async def test_wrong_bytes_are_never_put_in_place(catalog: Catalog) -> None:
    """Whoever renders a page again compares; the catalog does so once more."""
    await twice(catalog)

    with pytest.raises(ValueError, match="not the bytes"):
        await catalog.keep_body(sha256("same"), b"other")

    assert catalog.reader.locate("tools", 2, "same")[0].body == b"same"
