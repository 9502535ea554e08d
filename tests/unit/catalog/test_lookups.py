"""Look-ups beside a prune: what they answer with is there, and stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from entrepot.catalog.catalog import Catalog
from entrepot.catalog.postgresql_connection import PostgresConnection
from entrepot.catalog.sqlite_connection import SqliteConnection
from entrepot.model.ledger import Statement
from unit.catalog.saying import a_run, declare, said, sync

ONE, TWO = said("one"), said("two")


@contextmanager
def before_question(number: int, do: Callable[[], Any]) -> Iterator[None]:
    """Do something in another connection right before contents are asked for the n-th time from here on."""
    seen = 0

    def counting(execute: Callable[..., Any]) -> Callable[..., Any]:
        def counted(connection: Any, statement: str, *values: Any) -> Any:
            nonlocal seen
            if statement.startswith("SELECT") and "JOIN content c" in statement:
                seen += 1
                if seen == number:
                    do()
            return execute(connection, statement, *values)

        return counted

    with pytest.MonkeyPatch.context() as patch:
        for kind in (SqliteConnection, PostgresConnection):
            patch.setattr(kind, "execute", counting(kind.execute))
        yield
    assert seen


@pytest.mark.promise("P19")
@pytest.mark.fault("D03")
@pytest.mark.parametrize("step", range(1, 5))
async def test_a_statement_that_is_collected_during_a_look_up_is_not_found(catalog: Catalog, step: int) -> None:
    """Whichever two questions of a look-up a prune comes between: a number it gives is of a row that is there."""
    asked: tuple[Statement, ...] = (ONE, TWO)
    await sync(catalog, ONE)
    await sync(catalog, TWO)
    with catalog.collector() as collector:
        collector.prune_versions("tools", 1, now=1.0)
        collector.condemn()
        ledger = await catalog.begin(a_run("other"))

        with before_question(step, lambda: collector.collect(lambda _: None)):
            found = await ledger.find_contents([one.identity for one in asked], [one.key for one in asked])
        collector.collect(lambda _: None)

    there = await ledger.find_contents([one.identity for one in asked], [one.key for one in asked])
    assert found == there
    await declare(ledger, *asked)
    await ledger.complete(fingerprint="", report={})
    assert [row.fields for row in catalog.reader.members("other", 1)] == [one.fields for one in asked]
