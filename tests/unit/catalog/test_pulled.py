"""Groups that clients asked for: noted for later runs, and the runs that brought them."""

from __future__ import annotations

from sqlalchemy import create_engine, text

from entrepot.catalog.catalog import Catalog
from unit.catalog.saying import a_run


async def pulling(catalog: Catalog, *groups: str, outcome: str = "unchanged", plan: str = "plan") -> int:
    """A pull of some groups that ends; which run."""
    ledger = await catalog.begin(a_run(plan=plan, mirror=False))
    for group in groups:
        await ledger.note_pulled(group)
    await ledger.finish(outcome, {"pulled": list(groups)})
    return ledger.run


async def test_what_a_good_run_brought_is_told_page_by_page_whatever_the_plan(catalog: Catalog) -> None:
    """Each once and in order; a run that failed brought nothing, and checkpoints are none of them."""
    await pulling(catalog, "b", "a", "z-9")
    await pulling(catalog, "lost", outcome="failed")
    await pulling(catalog, "a", plan="another plan")

    ledger = await catalog.begin(a_run())
    await ledger.note_checkpoint("entrepot:pulling", "another scope")
    assert await ledger.pulled(limit=2) == ["a", "b"]
    assert await ledger.pulled(after="b") == ["z-9"]
    assert await ledger.pulled(after="z-9") == []
    await ledger.finish("unchanged", {})


async def test_pulls_that_find_nothing_leave_one_run_however_many_they_are(catalog: Catalog, catalog_url: str) -> None:
    """Anybody may ask for names that are not there; what else ran between them stays."""
    ordinary = await catalog.begin(a_run())
    await ordinary.finish("unchanged", {"failures": []})

    for _ in range(5):
        latest = await pulling(catalog)
    found = await pulling(catalog, "a")
    last = await pulling(catalog)

    engine = create_engine(catalog_url)
    with engine.connect() as connection:
        runs = [run for (run,) in connection.execute(text("SELECT id FROM run ORDER BY id"))]
    engine.dispose()
    assert runs == [ordinary.run, latest, found, last]


async def test_a_pull_is_not_the_last_run_unless_there_are_no_others(catalog: Catalog) -> None:
    """It says nothing of what it did not look at: what an ordinary run lacked, is lacking still."""
    only = await pulling(catalog)
    assert [catalog.reader.last_run("tools"), catalog.reader.last_telling_run("tools")] != [None, None]

    ordinary = await catalog.begin(a_run())
    await ordinary.finish("unchanged", {})
    later = await pulling(catalog, "a")

    for run in (catalog.reader.last_run("tools"), catalog.reader.last_telling_run("tools")):
        assert run is not None
        assert only < run.id == ordinary.run < later
