"""Paths of a version, whatever they are of."""

from __future__ import annotations

from entrepot.catalog.catalog import Catalog
from unit.catalog.saying import a_run, page


async def test_the_paths_of_a_version_come_in_pages_each_once(catalog: Catalog) -> None:
    """A path with several media types is one; what another version has is not among them."""
    first = await catalog.begin(a_run())
    await first.publish([page("b/", "page"), page("b/", "{}", "application/json"), page("a", "a"), page("c", "c")])
    await first.complete(fingerprint="", report={})
    second = await catalog.begin(a_run())
    await second.publish([page("d", "d")])
    await second.unpublish(["a"])
    await second.complete(fingerprint="", report={})
    reader = catalog.reader

    assert reader.paths("tools", 1) == ["a", "b/", "c"]
    assert reader.paths("tools", 2) == ["b/", "c", "d"]
    assert [reader.paths("tools", 2, after=after, limit=2) for after in ("", "c", "d")] == [["b/", "c"], ["d"], []]
    assert reader.among("tools", 1, ["a", "b", "b/", "d", "'"]) == {"a", "b/"}
    assert reader.among("tools", 2, ["a", "d"]) == {"d"}
