"""Every table and index as SQL, for whoever makes a catalog."""

from __future__ import annotations

import functools
from typing import Any

from sqlalchemy import create_mock_engine

from entrepot.catalog import schema
from entrepot.catalog.columns import tell_postgresql


@functools.cache
def definitions(dialect: str) -> tuple[str, ...]:
    """Every table and index, in the words of a dialect, which takes longer than making them does."""
    statements: list[str] = []

    def write_down(definition: Any, *_: Any, **__: Any) -> None:
        statements.append(str(definition.compile(dialect=engine.dialect)))

    engine = create_mock_engine(f"{dialect}://", write_down)
    if engine.dialect.name == "postgresql":
        tell_postgresql()
    schema.schema_revision.metadata.create_all(engine, checkfirst=False)
    return tuple(statements)
