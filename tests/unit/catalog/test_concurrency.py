"""Runs of different repositories side by side: no deadlock, and equal content is one row."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest
from sqlalchemy import create_engine, text

from entrepot.catalog.catalog import Catalog
from entrepot.model.digest import Digest
from entrepot.model.ledger import KeptArtifact, Source, Statement
from unit.catalog.saying import a_run, declare, holding, link, names, page, said, sha256, sync

UNITS = 400


def everything() -> list[Statement]:
    return [
        said(str(number), links=[link(f"path/{number}", str(number))], indexed=[("name", str(number % 7))])
        for number in range(UNITS)
    ]


async def one_sync(catalog: Catalog, repository: str, statements: Sequence[Statement], seed: int) -> None:
    """A sync of the same content as everybody's, in an order of its own."""
    order = random.Random(seed)
    shuffled = order.sample(statements, len(statements))
    ledger = await catalog.begin(a_run(repository))
    for start in range(0, len(shuffled), 50):
        batch = shuffled[start : start + 50]
        await ledger.save_artifacts(
            [
                KeptArtifact(sha256(name), len(name), (Digest("md5", sha256(name)[:16]),))
                for name in (statement.artifacts[0].relative_path for statement in batch)
            ]
        )
        numbers = await ledger.save_contents(batch)
        await ledger.note_sources([Source(number, "path", ("https://x.example/",)) for number in numbers])
        await declare(ledger, *batch)
        await ledger.publish([page(str(start + offset), str(order.random() < 0.5)) for offset in range(50)])
    await ledger.remove_undeclared()
    await ledger.complete(fingerprint="", report={})


@pytest.mark.promise("P18")
async def test_overlapping_syncs_end_as_if_one_had_followed_the_other(catalog: Catalog) -> None:
    """Six runs with equal content, each in another order: every statement and artifact is one row."""
    statements = everything()
    repositories = [f"repository-{number}" for number in range(6)]

    async with asyncio.timeout(60):
        await asyncio.gather(
            *(one_sync(catalog, name, statements, seed) for seed, name in enumerate(repositories)),
        )

    for name in repositories:
        assert names(catalog, 1, name) == holding(*statements)
        assert catalog.reader.locate(name, 1, "path/7") != []


async def test_equal_content_is_one_row_whoever_wrote_it_first(catalog: Catalog, catalog_url: str) -> None:
    """Counted in the tables, after runs that raced each other."""
    statements = everything()

    await asyncio.gather(*(one_sync(catalog, f"repository-{seed}", statements, seed) for seed in range(3)))

    engine = create_engine(catalog_url)
    with engine.connect() as connection:
        counted = {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()  # noqa: S608  # names from here
            for table in ("content", "content_artifact", "content_field", "artifact", "artifact_digest", "holding")
        }
    engine.dispose()
    assert set(counted.values()) == {UNITS}


@pytest.mark.promise("P01")
async def test_reading_goes_on_while_a_version_is_made(catalog: Catalog) -> None:
    """Every answer is of one finished version, whatever is written at the same time."""
    await sync(catalog, *(said(str(number), "1") for number in range(300)))
    wrong = []

    async def read() -> None:
        while catalog.reader.version("tools").number < 4:
            version = await catalog.ask(catalog.reader.version, "tools")
            rows = await catalog.ask(catalog.reader.members, "tools", version.number)
            states = {row.fields.split(b'"')[7] for row in rows}
            if len(rows) != 300 or states != {str(version.number).encode()}:
                wrong.append((version.number, len(rows), states))

    async def write() -> None:
        for state in ("2", "3", "4"):
            ledger = await catalog.begin(a_run())
            for start in range(0, 300, 30):
                await declare(ledger, *(said(str(number), state) for number in range(start, start + 30)))
            await ledger.complete(fingerprint="", report={})

    async with asyncio.timeout(60):
        await asyncio.gather(read(), read(), write())

    assert wrong == []
