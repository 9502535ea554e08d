"""How SQLite goes about what a prune writes: none of it may cost more the larger the catalog is."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from types import ModuleType

import pytest

from entrepot.catalog import collection, condemning, sources
from entrepot.catalog.catalog import database_for
from entrepot.catalog.statement import Statement


def batched(module: ModuleType) -> Iterator[Statement]:
    """The statements of a module that act on a batch; those run once for every so many rows."""
    for value in vars(module).values():
        for statement in value if isinstance(value, tuple) else (value,):
            if isinstance(statement, Statement) and statement.batch is not None:
                yield statement


@pytest.mark.parametrize("module", [collection, condemning, sources], ids=lambda module: module.__name__)
def test_what_acts_on_a_batch_reads_no_whole_table(sqlite_url: str, module: ModuleType) -> None:
    """Neither by a scan nor to fill a filter, which a plan hardly mentions; repositories are few."""
    with closing(database_for(sqlite_url, locks=None)) as database:  # type: ignore[arg-type]  # nothing is locked here
        said = [database.tongue.translate(statement) for statement in batched(module)]
    plans: dict[str, list[str]] = {}
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        for text in said:
            values = dict.fromkeys(re.findall(r":(\w+)", text), 1)
            plans[text] = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]

    assert plans
    for text, plan in plans.items():
        assert not [step for step in plan if "BLOOM" in step or re.match(r"SCAN (?!r\b|repository)", step)], text
