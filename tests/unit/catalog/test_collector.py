"""The collector's steps, on both databases: what goes, what stays, and who is waited for."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from entrepot.catalog.catalog import Catalog
from entrepot.catalog.faults import GoneVersion
from entrepot.errors import DepotBusy, LeaseLost
from entrepot.model.digest import Digest
from entrepot.model.ledger import Ledger, Source, Statement
from unit.catalog.clocks import Clock
from unit.catalog.saying import a_run, declare, holding, kept, link, names, page, said, sha256, sync

ONE = said("one", links=[link("one.bin", "1")], indexed=[("kind", "first")])
TWO = said("two", links=[link("two.bin", "2")])
THREE = said("three", links=[link("three.bin", "3")])


async def stored(catalog: Catalog, *statements: Statement, repository: str = "tools") -> int:
    """A version of exactly these statements, with the bytes of each and a source."""
    ledger = await catalog.begin(a_run(repository))
    await held(ledger, *statements)
    await ledger.remove_undeclared()
    await ledger.complete(fingerprint="", report={})
    return ledger.number


async def held(ledger: Ledger, *statements: Statement) -> None:
    """Save bytes, rows and members, as the stages do."""
    bodies = {"one.bin": "1", "two.bin": "2", "three.bin": "3"}
    paths = [artifact.relative_path for statement in statements for artifact in statement.artifacts]
    await ledger.find_artifacts([Digest("sha256", sha256(bodies[path])) for path in paths])
    await ledger.save_artifacts([kept(bodies[path], Digest("md5", b"5" * 15 + path[:1].encode())) for path in paths])
    numbers = await ledger.save_contents(statements)
    await ledger.note_sources(
        [
            Source(number, statement.artifacts[0].relative_path, ("https://index.example/",))
            for number, statement in zip(numbers, statements, strict=True)
        ]
    )
    await declare(ledger, *statements)


def prune(catalog: Catalog, *, keep: int = 1, repository: str = "tools") -> tuple[int, list[bytes]]:
    """Prune and collect, waiting for nobody; contents that went, and files."""
    removed: list[bytes] = []
    with catalog.collector() as collector:
        collector.prune_versions(repository, keep, now=1.0)
        collector.condemn()
        return collector.collect(removed.append).contents, removed


def rows(url: str, table: str) -> int:
    """How many rows a table has."""
    engine = create_engine(url)
    with engine.connect() as connection:
        counted = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608  a name of ours
    engine.dispose()
    return int(counted)


def sources_of(catalog: Catalog, body: str) -> list[str]:
    """The repositories that know where to have some bytes again."""
    needed = catalog.inventory.needed([sha256(body)])[sha256(body)]
    return sorted(origin.repository for origin in needed.origins if origin.urls)


async def test_a_pruned_number_is_gone_and_never_used_again(catalog: Catalog, clock: Clock) -> None:
    """Numbers and dates that fall on a pruned version say so; the next version has the next number."""
    await sync(catalog, ONE)
    moment = clock()
    clock.now += 10
    await sync(catalog, TWO)

    prune(catalog)

    with pytest.raises(GoneVersion):
        catalog.reader.version("tools", 1)
    with pytest.raises(GoneVersion):
        catalog.reader.version("tools", moment)
    assert [row.number for row in catalog.reader.versions("tools")] == [2]
    assert await sync(catalog, ONE) == 3


@pytest.mark.promise("P19")
async def test_what_is_left_reads_as_before_and_the_rest_leaves_no_row(catalog: Catalog, catalog_url: str) -> None:
    """Every table loses what only pruned versions had, and nothing else."""
    await stored(catalog, ONE, TWO)
    await stored(catalog, TWO, THREE)
    await stored(catalog, THREE)

    contents, removed = prune(catalog, keep=2)

    assert (contents, removed) == (1, [sha256("1")])
    assert names(catalog, 2) == holding(TWO, THREE)
    assert names(catalog, 3) == holding(THREE)
    for table in ("content", "content_artifact", "remote_artifact", "artifact", "artifact_digest", "holding"):
        assert rows(catalog_url, table) == 2, table
    assert rows(catalog_url, "content_field") == 0
    assert rows(catalog_url, "membership") == 2
    assert rows(catalog_url, "run") == 2


@pytest.mark.promise("P19")
async def test_what_another_repository_keeps_is_had_again_from_where_that_one_had_it(
    catalog: Catalog, catalog_url: str
) -> None:
    """Sources go with the versions of their own repository, and no others."""
    await stored(catalog, ONE, TWO)
    await stored(catalog, TWO)
    await stored(catalog, ONE, repository="other")

    prune(catalog)

    assert rows(catalog_url, "content") == rows(catalog_url, "remote_artifact") == 2
    assert sources_of(catalog, "1") == ["other"]
    assert sources_of(catalog, "2") == ["tools"]


@pytest.mark.promise("P19")
async def test_sources_that_a_run_noted_before_its_members_stay(catalog: Catalog, catalog_url: str) -> None:
    """Nothing of a repository that is being written is taken for abandoned; the next prune looks again."""
    await stored(catalog, ONE, repository="other")
    ledger = await catalog.begin(a_run())
    numbers = await ledger.save_contents([ONE])
    await ledger.note_sources([Source(numbers[0], "one.bin", ("https://index.example/",))])

    prune(catalog, repository="other")
    assert rows(catalog_url, "remote_artifact") == 2

    await ledger.finish("failed", {})
    prune(catalog, repository="other")
    assert rows(catalog_url, "remote_artifact") == 1
    assert sources_of(catalog, "1") == ["other"]


async def test_the_latest_version_stays_whatever_is_asked(catalog: Catalog) -> None:
    """Keeping nothing keeps the latest."""
    await stored(catalog, ONE)

    assert prune(catalog, keep=0) == (0, [])
    assert names(catalog, 1) == holding(ONE)


async def test_bodies_go_with_the_versions_that_published_them(catalog: Catalog, catalog_url: str) -> None:
    """A published body goes once no version that is left names it."""
    for number in range(3):
        ledger = await catalog.begin(a_run())
        await ledger.publish([page("index.html", f"page {number}"), page("same.html", "same")])
        await ledger.complete(fingerprint=str(number), report={})

    prune(catalog)

    assert rows(catalog_url, "published_body") == 2
    assert rows(catalog_url, "published_file") == 2
    (index,) = catalog.reader.locate("tools", 3, "index.html")
    assert index.body == b"page 2"


@pytest.mark.promise("P19")
@pytest.mark.fault("D03")
async def test_what_a_run_found_before_it_was_condemned_stays_until_that_run_ends(catalog: Catalog) -> None:
    """A look-up before, a commit after: what lies between spares it, and once committed it is acquitted."""
    await stored(catalog, ONE)
    await stored(catalog, TWO)
    ledger = await catalog.begin(a_run("other"))
    found = await ledger.find_artifacts([Digest("sha256", sha256("1"))])

    assert found[0] is not None
    assert prune(catalog) == (0, [])
    await held(ledger, ONE)
    await ledger.complete(fingerprint="", report={})
    assert prune(catalog) == (0, [])
    assert names(catalog, 1, "other") == holding(ONE)


@pytest.mark.promise("P19")
@pytest.mark.fault("D03")
async def test_a_member_that_no_look_up_revived_is_acquitted(catalog: Catalog, catalog_url: str) -> None:
    """A run that knew the numbers before they were condemned may commit them without asking again."""
    await stored(catalog, ONE)
    await stored(catalog, TWO)
    ledger = await catalog.begin(a_run("other"))
    numbers = await ledger.find_contents([ONE.identity], [ONE.key])
    await ledger.find_artifacts([Digest("sha256", sha256("1"))])
    prune(catalog)
    engine = create_engine(catalog_url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO membership (repository, key, removed, added, content) SELECT id, :key, :open, 1, :content"
                " FROM repository WHERE name = 'other'"
            ),
            {"key": ONE.key, "open": 2**31 - 1, "content": numbers[0]},
        )
    engine.dispose()
    await ledger.complete(fingerprint="", report={})

    assert prune(catalog) == (0, [])
    assert names(catalog, 1, "other") == holding(ONE)


async def test_what_began_after_the_condemning_revives_what_it_finds(catalog: Catalog) -> None:
    """Under way while the marks were set: nothing. So what another run then finds is spared, the rest goes."""
    await stored(catalog, ONE, THREE)
    await stored(catalog, TWO)
    removed: list[bytes] = []

    with catalog.collector() as collector:
        collector.prune_versions("tools", 1, now=1.0)
        collector.condemn()
        ledger = await catalog.begin(a_run("other"))
        await held(ledger, ONE)
        assert collector.holding_up() == []
        assert collector.collect(removed.append).artifacts == 1
        assert removed == []
        await ledger.complete(fingerprint="", report={})
        assert collector.remove_unknown([sha256("1"), sha256("3")], removed.append) == 1

    assert removed == [sha256("3")]
    assert names(catalog, 1, "other") == holding(ONE)
    (found,) = catalog.reader.locate("other", 1, "one.bin")
    assert found.artifact is not None


async def test_a_run_under_way_is_named_until_it_ends(catalog: Catalog) -> None:
    """Whoever waits is told for whom."""
    await stored(catalog, ONE)
    await stored(catalog, TWO)
    ledger = await catalog.begin(a_run("other"))

    with catalog.collector() as collector:
        collector.prune_versions("tools", 1, now=1.0)
        collector.condemn()
        assert [run.repository for run in collector.holding_up()] == ["other"]
        await ledger.finish("failed", {})
        assert collector.holding_up() == []


@pytest.mark.fault("C20")
async def test_a_run_that_slept_through_its_lease_writes_nothing_more(
    catalog: Catalog, catalog_url: str, clock: Clock
) -> None:
    """A prune goes on without a run that is taken for dead, and that one fails cleanly when it awakes."""
    await stored(catalog, ONE)
    await stored(catalog, TWO)
    ledger = await catalog.begin(a_run("other"))
    await ledger.find_artifacts([Digest("sha256", sha256("1"))])
    _forget_who_holds(catalog, catalog_url)

    contents, removed = prune(catalog)

    assert (contents, removed) == (1, [sha256("1")])
    with pytest.raises(LeaseLost):
        await held(ledger, ONE)


async def test_one_prune_at_a_time(catalog: Catalog) -> None:
    """The second is told; once the first has ended it may."""
    with catalog.collector(), pytest.raises(DepotBusy, match="another prune"), catalog.collector():
        pass
    with catalog.collector():
        pass


def test_a_prune_that_has_ended_is_in_nobodys_way(catalog: Catalog) -> None:
    """The next may begin at once, however slowly a server notices that a connection is gone."""
    for _ in range(200):
        with catalog.collector():
            pass


async def test_a_file_whose_row_came_back_stays(catalog: Catalog) -> None:
    """Between the commit that deletes a row and the removal of its file, somebody may have it again."""
    await stored(catalog, ONE)
    removed: list[bytes] = []

    with catalog.collector() as collector:
        assert collector.remove_unknown([sha256("1"), sha256("litter")], removed.append) == 1

    assert removed == [sha256("litter")]


async def test_litter_stays_while_a_run_may_be_about_to_commit_it(catalog: Catalog) -> None:
    """Files come before rows: a file without one may be a moment old."""
    removed: list[bytes] = []
    ledger = await catalog.begin(a_run())

    with catalog.collector() as collector:
        assert collector.remove_unknown([sha256("new")], removed.append) == 0
        await ledger.finish("failed", {})
        assert collector.remove_unknown([sha256("new")], removed.append) == 1


async def test_what_is_reckoned_is_what_then_goes(catalog: Catalog, catalog_url: str) -> None:
    """A dry run says the same numbers, and changes nothing."""
    await stored(catalog, ONE, TWO)
    await stored(catalog, TWO)
    await stored(catalog, THREE)

    with catalog.collector() as collector:
        first, numbers = collector.prunable("tools", 1)
        reckoned = collector.reckon([first])
        before = rows(catalog_url, "membership")
    removed: list[bytes] = []
    with catalog.collector() as collector:
        assert collector.prune_versions("tools", 1, now=1.0) == numbers == [1, 2]
        assert rows(catalog_url, "membership") == before
        collector.condemn()
        assert collector.collect(removed.append) == reckoned

    assert reckoned.contents == reckoned.artifacts == len(removed) == 2


async def test_checkpoints_and_what_voids_them_stay(catalog: Catalog, catalog_url: str) -> None:
    """Runs of pruned versions go, save those a checkpoint that still counts was noted by."""
    ledger = await catalog.begin(a_run())
    await declare(ledger, ONE)
    await ledger.note_checkpoint("list", "seen")
    await ledger.complete(fingerprint="", report={})
    for statement in (TWO, THREE):
        ledger = await catalog.begin(a_run())
        await declare(ledger, statement)
        await ledger.complete(fingerprint="", report={})

    prune(catalog)

    ledger = await catalog.begin(a_run())
    assert await ledger.checkpoint("list") == "seen"
    await ledger.finish("unchanged", {})


def _forget_who_holds(catalog: Catalog, url: str) -> None:
    """Let the lease be free as after three terms of sleep: no lock of the kernel, no beat."""
    if url.startswith("sqlite"):
        (ledger,) = catalog._ledgers
        ledger._claim.close()
        return
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE lease SET beat = 0"))
    engine.dispose()
