"""What a batch costs: few calls to the database, whatever its size, and no write that changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from entrepot.catalog.catalog import Catalog
from entrepot.model.digest import Digest
from entrepot.model.ledger import KeptArtifact, Ledger, Member, Source, Statement
from unit.catalog.saying import a_run, declare, link, said

#: Calls for a batch, at most; all stages together make no more than sixteen.
MOST = {
    "find_artifacts": 1,
    "save_artifacts": 4,
    "find_contents": 1,
    "save_contents": 4,
    "note_sources": 2,
    "associate": 4,
}
UNITS = 600


def units(state: str = "") -> list[Statement]:
    return [
        said(str(number), state, links=[link(f"{number}", f"{number} {state}")], indexed=[("name", str(number))])
        for number in range(UNITS)
    ]


async def costs(catalog: Catalog, ledger: Ledger, statements: list[Statement]) -> tuple[dict[str, int], dict[str, int]]:
    """Do with one batch what the stages do; calls, and rows written, by name."""
    calls, rows = {}, {}

    async def counted(name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        before = (catalog.statements.calls, catalog.statements.rows)
        answer = await call()
        calls[name] = catalog.statements.calls - before[0]
        rows[name] = catalog.statements.rows - before[1]
        return answer

    digests = [Digest("sha256", statement.artifacts[0].digest) for statement in statements]
    found = await counted("find_artifacts", lambda: ledger.find_artifacts(digests))
    if missing := [digest for digest, artifact in zip(digests, found, strict=True) if artifact is None]:
        kept = [KeptArtifact(digest.value, 7, (digest, Digest("md5", digest.value[:16]))) for digest in missing]
        await counted("save_artifacts", lambda: ledger.save_artifacts(kept))
    asked = ([statement.identity for statement in statements], [statement.key for statement in statements])
    numbers = await counted("find_contents", lambda: ledger.find_contents(*asked))
    if None in numbers:
        numbers = await counted("save_contents", lambda: ledger.save_contents(statements))
    sources = [Source(number, "path", ("https://x.example/",)) for number in numbers]
    await counted("note_sources", lambda: ledger.note_sources(sources))
    members = [Member(said.key, number, "scope") for said, number in zip(statements, numbers, strict=True)]
    await counted("associate", lambda: ledger.associate(members))
    return calls, rows


async def test_a_batch_of_new_units_takes_sixteen_calls_at_most(catalog: Catalog) -> None:
    """The first time, and where every unit replaces another."""
    for state in ("", "changed", "changed again"):
        ledger = await catalog.begin(a_run())
        calls, _ = await costs(catalog, ledger, units(state))
        await ledger.complete(fingerprint="", report={})

        assert {name: most for name, most in MOST.items() if calls[name] > most} == {}
        assert sum(calls.values()) <= 16


async def test_a_batch_of_known_units_writes_that_they_were_declared_and_nothing_else(catalog: Catalog) -> None:
    """Unchanged units cost look-ups, one for each stage, and one row each."""
    ledger = await catalog.begin(a_run())
    await costs(catalog, ledger, units())
    await ledger.complete(fingerprint="", report={})
    ledger = await catalog.begin(a_run())

    calls, rows = await costs(catalog, ledger, units())

    assert calls == {"find_artifacts": 1, "find_contents": 1, "note_sources": 1, "associate": 2}
    assert rows == {"find_artifacts": 0, "find_contents": 0, "note_sources": 0, "associate": UNITS}


async def test_the_last_commit_is_small_whatever_the_version_holds(catalog: Catalog) -> None:
    """Making a version visible writes two rows and lets the lease go; the rest is sweeping up."""
    ledger = await catalog.begin(a_run())
    await declare(ledger, *(said(str(number)) for number in range(3000)))
    rows = catalog.statements.rows

    await ledger.complete(fingerprint="", report={})

    assert catalog.statements.rows - rows == 3000 + 2 + 2


async def test_rows_of_a_large_run_are_swept_in_bounded_transactions(catalog: Catalog) -> None:
    """Undoing a run of many rows takes many small steps, and leaves nothing."""
    ledger = await catalog.begin(a_run())
    await declare(ledger, *(said(str(number)) for number in range(5000)))
    calls = catalog.statements.calls

    await ledger.finish("failed", {})

    assert catalog.statements.calls - calls > 2 * 5000 // 2000
    assert not await (await catalog.begin(a_run())).changes()


async def test_what_many_tasks_want_to_know_of_their_scopes_takes_few_calls(catalog: Catalog) -> None:
    """A first stage asks for each of a hundred thousand projects, some at a time: not one call for each."""
    ledger = await catalog.begin(a_run())
    for number in range(UNITS):
        await ledger.note_checkpoint(str(number), f"as of {number}")
    await ledger.complete(fingerprint="", report={})
    ledger = await catalog.begin(a_run())
    before = catalog.statements.calls

    async def ask(first: int) -> list[str | None]:
        return [await ledger.checkpoint(str(number)) for number in range(first, UNITS, 20)]

    told = await asyncio.gather(*(ask(first) for first in range(20)))

    assert told == [[f"as of {number}" for number in range(first, UNITS, 20)] for first in range(20)]
    assert catalog.statements.calls - before <= UNITS / 20 + 1
    await ledger.finish("failed", {})
