"""Batches: many rows go to a database as a few parameters, and come out as they went in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.catalog.batch import Batch
from entrepot.catalog.catalog import database_for
from entrepot.catalog.statement import Session, Statement, StatementCount

ALL_KINDS = Batch("number int, text text, blob blob, digest sha256, maybe_number int?, maybe_text text?")
READ = Statement(
    "SELECT batch.number, batch.text, batch.blob, batch.digest, batch.maybe_number, batch.maybe_text"
    " FROM {batch} ORDER BY batch.n",
    ALL_KINDS,
)

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
ROW = st.tuples(
    st.integers(0, 2**63 - 1),
    TEXT,
    st.binary(max_size=20),
    st.binary(min_size=32, max_size=32),
    st.none() | st.integers(0, 2**63 - 1),
    st.none() | TEXT,
)


def test_rows_come_out_as_they_went_in(catalog_url: str, tmp_path: Path) -> None:
    """Every kind of value, empty and absent ones too, in any mixture, in the order given."""
    database = database_for(catalog_url, tmp_path)
    connection = database.open_reader()
    session = Session(connection, database.tongue, count=StatementCount())

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(ROW, min_size=1, max_size=12) | ROW.map(lambda row: [row] * 3))
    def check(rows: list[tuple[Any, ...]]) -> None:
        assert [(*row[:2], bytes(row[2]), bytes(row[3]), *row[4:]) for row in session.all(READ, rows)] == rows

    run: Callable[[], None] = check
    run()
    connection.close()
    database.close()
