"""Publications: the files of a version, as intervals like its members."""

from __future__ import annotations

import pytest

from entrepot.catalog.catalog import Catalog
from entrepot.model.artifact import StoredArtifact
from entrepot.model.digest import Digest
from entrepot.model.ledger import BodyRow
from unit.catalog.saying import a_run, declare, link, page, said, sha256


def bodies(catalog: Catalog, number: int, path: str) -> dict[str | None, bytes | None]:
    return {found.media_type: found.body for found in catalog.reader.locate("tools", number, path)}


async def test_a_path_has_a_file_for_each_media_type(catalog: Catalog) -> None:
    """A client chooses; a path that ends in "/" is another path."""
    ledger = await catalog.begin(a_run())

    await ledger.publish([page("simple/", "page"), page("simple/", "{}", "application/json"), page("simple", "file")])

    await ledger.complete(fingerprint="", report={})
    assert bodies(catalog, 1, "simple/") == {"text/html": b"page", "application/json": b"{}"}
    assert bodies(catalog, 1, "simple") == {"text/html": b"file"}
    assert bodies(catalog, 1, "other") == {}


@pytest.mark.promise("P02")
async def test_bytes_of_a_finished_version_never_change(catalog: Catalog) -> None:
    """What a later version replaces or removes, the earlier one goes on serving."""
    first = await catalog.begin(a_run())
    await first.publish([page("a", "old"), page("b", "old"), page("c", "old")])
    await first.complete(fingerprint="", report={})
    second = await catalog.begin(a_run())

    await second.publish([page("a", "new")])
    await second.unpublish(["b", "nothing"])
    assert bodies(catalog, 2, "a") == {}
    await second.complete(fingerprint="", report={})

    assert [bodies(catalog, 1, path) for path in "abc"] == [{"text/html": b"old"}] * 3
    assert [bodies(catalog, 2, path).get("text/html") for path in "abc"] == [b"new", None, b"old"]


async def test_an_equal_file_costs_no_row(catalog: Catalog) -> None:
    """Publishing again what is there writes only that it was published."""
    first = await catalog.begin(a_run())
    await first.publish([page(str(number), "same") for number in range(50)])
    await first.complete(fingerprint="", report={})
    second = await catalog.begin(a_run())
    rows = catalog.statements.rows

    await second.publish([page(str(number), "same") for number in range(50)])

    assert catalog.statements.rows - rows == 50


async def test_other_headers_make_another_file(catalog: Catalog) -> None:
    """Though the bytes are the same; what has the same headers as before costs nothing."""
    for number, serial in enumerate(("", '{"X-Serial":"1"}', '{"X-Serial":"1"}', ""), start=1):
        ledger = await catalog.begin(a_run())
        await ledger.publish([page("a", "same")._replace(headers=serial), page("b", "same")])
        await ledger.complete(fingerprint=str(number), report={})

    said = [[found.headers for found in catalog.reader.locate("tools", number, "a")] for number in (1, 2, 3, 4)]
    assert said == [[""], ['{"X-Serial":"1"}'], ['{"X-Serial":"1"}'], [""]]
    assert [found.headers for found in catalog.reader.locate("tools", 2, "b")] == [""]


async def test_a_file_published_twice_in_a_run_is_as_it_was_last(catalog: Catalog) -> None:
    """Whatever came between leaves no trace, in this version or the one before."""
    first = await catalog.begin(a_run())
    for body in ("one", "two", "two", "three"):
        await first.publish([page("a", body)])
    await first.complete(fingerprint="", report={})
    second = await catalog.begin(a_run())
    for body in ("four", "three", "five"):
        await second.publish([page("a", body)])
        await second.unpublish(["b"])
    await second.complete(fingerprint="", report={})

    assert bodies(catalog, 1, "a") == {"text/html": b"three"}
    assert bodies(catalog, 2, "a") == {"text/html": b"five"}


async def test_a_publication_written_whole_has_nothing_else(catalog: Catalog) -> None:
    """Files that were not published again go, equal ones that were stay."""
    first = await catalog.begin(a_run())
    await first.publish([page(f"old-{number}", "x") for number in range(2100)])
    await first.publish([page("same", "x"), page("changes", "x"), page("same", "x", "text/plain")])
    await first.complete(fingerprint="", report={})
    second = await catalog.begin(a_run())

    await second.publish([page("same", "x"), page("changes", "y"), page("new", "z")])

    assert await second.unpublish_rest() == 2101
    await second.complete(fingerprint="", report={})
    found = {path: bodies(catalog, 2, path) for path in ("same", "changes", "new", "old-7")}
    assert found == {
        "same": {"text/html": b"x"},
        "changes": {"text/html": b"y"},
        "new": {"text/html": b"z"},
        "old-7": {},
    }


@pytest.mark.parametrize("private", [False, True])
async def test_a_large_file_is_bytes_that_the_repository_holds(catalog: Catalog, private: bool) -> None:
    """Its artifact and holding are written with it, in the repository's own realm."""
    ledger = await catalog.begin(a_run(private=private))
    large = StoredArtifact(sha256("large"), 100_000)

    await ledger.publish([BodyRow("large", "text/plain", None, large)])
    await ledger.complete(fingerprint="", report={})

    (found,) = catalog.reader.locate("tools", 1, "large")
    assert (found.artifact, found.body, found.size) == (large, None, 100_000)
    other = await catalog.begin(a_run("other"))
    assert await other.find_artifacts([Digest("sha256", large.sha256)]) == [None if private else large]


async def test_files_of_a_run_that_came_to_nothing_are_gone(catalog: Catalog) -> None:
    """Undoing covers files as it covers members."""
    first = await catalog.begin(a_run())
    await declare(first, said("a"))
    await first.publish([page("a", "old"), page("b", "old")])
    await first.complete(fingerprint="", report={})
    failed = await catalog.begin(a_run())
    await failed.publish([page("a", "new"), page("c", "new")])
    await failed.unpublish(["b"])
    await failed.finish("failed", {})

    second = await catalog.begin(a_run())
    await second.complete(fingerprint="", report={})

    assert [bodies(catalog, 2, path).get("text/html") for path in "abc"] == [b"old", b"old", None]


async def test_a_path_is_found_in_the_newest_version_that_has_it(catalog: Catalog) -> None:
    """As a published file or as an artifact of a member; versions under construction do not count."""
    first = await catalog.begin(a_run())
    await first.publish([page("page", "old"), page("kept", "old")])
    await declare(first, said("a", links=[link("artifact", "body")]))
    await first.complete(fingerprint="", report={})
    second = await catalog.begin(a_run())
    await second.unpublish(["page"])
    await second.remove_undeclared()
    await second.publish([page("new", "new")])

    def found(path: str) -> int | None:
        version = catalog.reader.last_with("tools", path)
        return None if version is None else version.number

    assert [found(path) for path in ("page", "artifact", "kept", "new", "nothing")] == [1, 1, 1, None, None]
    await second.complete(fingerprint="", report={})
    assert [found(path) for path in ("page", "artifact", "kept", "new", "nothing")] == [1, 1, 2, 2, None]
