"""Reading: what is known of finished versions."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import create_engine, text

from entrepot.catalog.catalog import Catalog
from entrepot.catalog.faults import GoneVersion
from entrepot.catalog.rows import DiffRow, Located
from entrepot.errors import UnknownName
from entrepot.model.artifact import StoredArtifact
from entrepot.model.digest import Digest
from entrepot.model.ledger import ContentRow, Source
from unit.catalog.clocks import Clock
from unit.catalog.saying import a_run, declare, kept, key, link, page, said, sha256, sync


async def test_repositories_are_listed_with_what_they_have(catalog: Catalog, clock: Clock) -> None:
    """By name; one that never made a version is listed too."""
    await sync(catalog, said("a"), said("b"), repository="full")
    await sync(catalog, said("a"), repository="full")
    ledger = await catalog.begin(a_run("empty", private=True))
    await ledger.finish("failed", {})

    empty, full = catalog.reader.repositories()

    assert (empty.name, empty.private, empty.latest, empty.completed, empty.members) == ("empty", True, None, None, 0)
    assert (full.name, full.type, full.private, full.latest, full.completed) == ("full", "test", False, 2, clock.now)
    assert (full.members, full.versions) == (1, 2)


async def test_a_version_is_had_by_number_by_moment_or_as_the_latest(catalog: Catalog, clock: Clock) -> None:
    """A moment means the version that was latest then."""
    for moment in (100.0, 200.0, 300.0):
        clock.now = moment
        await sync(catalog, said(str(moment)))

    assert catalog.reader.version("tools").number == 3
    assert catalog.reader.version("tools", 2).completed == 200.0
    assert [catalog.reader.version("tools", at).number for at in (100.0, 199.9, 200.0, 9e9)] == [1, 1, 2, 3]
    assert [version.number for version in catalog.reader.versions("tools")] == [1, 2, 3]


async def test_what_is_not_there_is_said_with_a_remedy(catalog: Catalog) -> None:
    """A misspelt repository, a number never reached, a moment before the first version."""
    await sync(catalog, said("a"))

    with pytest.raises(UnknownName, match="did you mean 'tools'"):
        catalog.reader.version("tool")
    for at in (7, 1.0):
        with pytest.raises(UnknownName) as unknown:
            catalog.reader.version("tools", at)
        assert "entrepot versions tools" in unknown.value.remedy


async def test_a_pruned_version_is_gone_and_not_unknown(catalog: Catalog, catalog_url: str, clock: Clock) -> None:
    """Its number, or a moment at which it was latest, is answered as gone; it is listed no more."""
    for moment in (100.0, 200.0):
        clock.now = moment
        await sync(catalog, said("a", str(moment)))
    engine = create_engine(catalog_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE repository_version SET pruned = 250.0 WHERE number = 1"))
    engine.dispose()

    for at in (1, 150.0):
        with pytest.raises(GoneVersion, match="version 1 of repository 'tools'"):
            catalog.reader.version("tools", at)
    assert [version.number for version in catalog.reader.versions("tools")] == [2]
    assert catalog.reader.locate("tools", 1, "a") == []


async def test_differences_are_told_key_by_key(catalog: Catalog) -> None:
    """Forward, backward and over several versions; what changed and changed back is no difference."""
    await sync(catalog, said("changes", "1"), said("goes"), said("returns", "1"), said("same"))
    await sync(catalog, said("changes", "2"), said("returns", "2"), said("same"), said("visits"))
    await sync(catalog, said("changes", "3"), said("returns", "1"), said("same"), said("comes"))

    forward = catalog.reader.diff("tools", 1, 3)
    backward = catalog.reader.diff("tools", 3, 1)

    told = {"changes": "changed", "comes": "added", "goes": "removed"}
    assert [(row.key, row.change) for row in forward] == [(key(name), change) for name, change in told.items()]
    swapped = {"added": "removed", "removed": "added", "changed": "changed"}
    assert [(row.key, row.change, row.after, row.before) for row in backward] == [
        (row.key, swapped[row.change], row.before, row.after) for row in forward
    ]
    assert forward[0].before is not None
    assert forward[0].before.fields == said("changes", "1").fields
    assert catalog.reader.diff("tools", 2, 2) == []


async def test_differences_come_in_pages(catalog: Catalog) -> None:
    """After the last key of the page before, to the end."""
    await sync(catalog, said("x"))
    await sync(catalog, *(said(f"{number:02}") for number in range(25)))

    pages = [catalog.reader.diff("tools", 1, 2, limit=10)]
    while pages[-1]:
        pages.append(catalog.reader.diff("tools", 1, 2, after=pages[-1][-1].key, limit=10))

    assert [len(found) for found in pages] == [10, 10, 6, 0]


async def test_two_repositories_can_be_compared(catalog: Catalog) -> None:
    """Equal statements are no difference, wherever they were saved first."""
    await sync(catalog, said("a"), said("b", "x"), said("d"), said("e"), repository="one")
    await sync(catalog, said("b", "y"), said("c"), said("d"), said("f"), repository="other")

    rows = catalog.reader.diff_between(("one", 1), ("other", 1))
    rest = catalog.reader.diff_between(("one", 1), ("other", 1), after=key("b"), limit=2)

    changes = [("a", "removed"), ("b", "changed"), ("c", "added"), ("e", "removed"), ("f", "added")]
    assert [(row.key, row.change) for row in rows] == [(key(name), change) for name, change in changes]
    assert rest == rows[2:4]
    assert isinstance(rows[0], DiffRow)
    assert isinstance(rows[1].after, ContentRow)


async def test_a_contents_artifact_is_located_with_where_to_get_it(catalog: Catalog) -> None:
    """Before it is held with its sources alone, then with the stored bytes, by whatever digest it was declared."""
    md5 = Digest("md5", b"m" * 16)
    ledger = await catalog.begin(a_run())
    links = [link("by/sha256", "body"), link("by/md5", "")._replace(algorithm="md5", digest=md5.value, size=None)]
    (number,) = await ledger.save_contents([said("a", links=links)])
    await declare(ledger, said("a", links=links))
    urls = ("https://one.example/a", "https://two.example/a")
    await ledger.note_sources([Source(number, "by/sha256", urls), Source(number, "by/md5", urls[:1])])
    await ledger.complete(fingerprint="", report={})

    cold = [*catalog.reader.locate("tools", 1, "by/sha256"), *catalog.reader.locate("tools", 1, "by/md5")]
    await catalog.keep_fetched("tools", kept("body", md5), private=False)
    warm = [*catalog.reader.locate("tools", 1, "by/sha256"), *catalog.reader.locate("tools", 1, "by/md5")]

    expected = Located("by/sha256", None, None, None, Digest("sha256", sha256("body")), 4, number, urls)
    assert cold == [
        expected,
        Located("by/md5", None, None, None, md5, None, number, urls[:1]),
    ]
    assert [found.artifact for found in warm] == [StoredArtifact(sha256("body"), 4)] * 2


async def test_bytes_of_a_private_repository_are_not_located_by_another(catalog: Catalog) -> None:
    """Though both declare the same statement, which is one row."""
    for name in ("secret", "open"):
        ledger = await catalog.begin(a_run(name, private=name == "secret"))
        await declare(ledger, said("a", links=[link("path", "body")]))
        await ledger.complete(fingerprint="", report={})
    await catalog.keep_fetched("secret", kept("body"), private=True)

    (secret,) = catalog.reader.locate("secret", 1, "path")
    (public,) = catalog.reader.locate("open", 1, "path")

    assert secret.artifact == StoredArtifact(sha256("body"), 4)
    assert public.artifact is None
    assert secret.content == public.content


async def test_sources_are_a_repositorys_own_and_follow_upstream(catalog: Catalog) -> None:
    """What another repository noted is not given; a source that moved is noted anew."""
    statement = said("a", links=[link("path", "body")])
    for url in ("https://old.example/a", "https://new.example/a"):
        ledger = await catalog.begin(a_run())
        (number,) = await ledger.save_contents([statement])
        await declare(ledger, statement)
        for _ in range(2):
            await ledger.note_sources([Source(number, "path", (url,))])
        await ledger.complete(fingerprint="", report={})
    await sync(catalog, statement, repository="other")

    assert catalog.reader.locate("tools", 2, "path")[0].urls == ("https://new.example/a",)
    assert catalog.reader.locate("other", 1, "path")[0].urls == ()


async def test_a_folder_is_listed_name_by_name(catalog: Catalog) -> None:
    """Files and folders right below it, published or of contents, each once, in order, in pages."""
    ledger = await catalog.begin(a_run())
    paths = [f"deep/{number:03}/{part}" for number in range(20) for part in "ab"]
    await declare(ledger, *(said(path, links=[link(path, path)]) for path in [*paths, "deep/file", "top", "deep-not"]))
    await ledger.publish(
        [page("simple/", "x"), page("simple/one/", "x"), page("deep/000/index", "x"), page("deep", "x")]
    )
    await ledger.complete(fingerprint="", report={})

    def listed(folder: str, limit: int) -> list[str]:
        found = list[str]()
        while names := catalog.reader.children("tools", 1, folder, after=found[-1] if found else "", limit=limit):
            found += names
        return found

    for limit in (1, 3, 1000):
        assert listed("", limit) == ["deep", "deep-not", "deep/", "simple/", "top"]
        assert listed("deep/", limit) == [*(f"{number:03}/" for number in range(20)), "file"]
        assert listed("deep/000/", limit) == ["a", "b", "index"]
        assert listed("simple/", limit) == ["one/"]
        assert listed("nothing/", limit) == []


async def test_a_large_folder_is_listed_whole(catalog: Catalog) -> None:
    """However many names there are, and however both kinds of files mix."""
    ledger = await catalog.begin(a_run())
    await declare(ledger, *(said(f"{n}", links=[link(f"f/{n:04}", "x")]) for n in range(0, 1500, 2)))
    await ledger.publish([page(f"f/{n:04}", "x") for n in range(1, 1500, 3)])
    await ledger.complete(fingerprint="", report={})

    found = catalog.reader.children("tools", 1, "f/", limit=5000)

    assert found == sorted({f"{n:04}" for n in [*range(0, 1500, 2), *range(1, 1500, 3)]})


async def test_questions_are_answered_beside_the_event_loop(catalog: Catalog) -> None:
    """Many at once, while a run has something under construction."""
    await sync(catalog, said("a"))
    ledger = await catalog.begin(a_run())
    await declare(ledger, said("b"))

    answers = await asyncio.gather(*(catalog.ask(catalog.reader.version, "tools") for _ in range(20)))

    assert {answer.number for answer in answers} == {1}
    run = await catalog.ask(catalog.reader.last_run, "tools")
    assert run is not None
    assert (run.id, run.outcome) == (ledger.run, None)


async def test_a_repository_keeps_its_type(catalog: Catalog) -> None:
    """Once it has versions, another type under the same name is a mistake in the configuration."""
    await sync(catalog, said("a"))
    other = a_run().__class__(repository="tools", type="other", private=False, mirror=True, plan_fingerprint="")

    with pytest.raises(Exception, match="versions of type 'test'"):
        await catalog.begin(other)

    await (await catalog.begin(a_run())).finish("unchanged", {})


async def test_everything_of_a_version_is_read_by_pages_as_it_is_located(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published files and artifacts, each once, held or not; a later version's are not among them."""
    monkeypatch.setattr("entrepot.catalog.everything._BODIES_AT_ONCE", 3)
    monkeypatch.setattr("entrepot.catalog.everything._ROWS_AT_ONCE", 3)
    ledger = await catalog.begin(a_run())
    units = [said(name, links=[link(f"{name}/1", name), link(f"{name}/2", name)]) for name in "abc"]
    await declare(ledger, *units)
    await ledger.publish([page(path, "x", media_type=kind) for path in ("f/", "g") for kind in ("a/b", "c/d")])
    await ledger.complete(fingerprint="", report={})
    await sync(catalog, said("d", links=[link("d/1", "d")]))
    await catalog.keep_fetched("tools", kept("b"), private=False)

    files, place = [], ("", "")
    while some := catalog.reader.published("tools", 1, after=place):
        files += some
        place = (some[-1].relative_path, some[-1].media_type or "")
    rows, place = [], ("", "")
    while found := catalog.reader.declared("tools", 1, after=place):
        rows += found
        place = (found[-1][0], found[-1][1].relative_path)

    assert [(file.relative_path, file.media_type) for file in files] == [
        (path, kind) for path in ("f/", "g") for kind in ("a/b", "c/d")
    ]
    assert [file.relative_path for _, file in rows] == [f"{name}/{part}" for name in "abc" for part in (1, 2)]
    assert [file.relative_path for _, file in rows if file.artifact] == ["b/1", "b/2"]
    assert all(file in catalog.reader.locate("tools", 1, file.relative_path) for file in files)
    assert all(file in catalog.reader.locate("tools", 1, file.relative_path) for _, file in rows)
