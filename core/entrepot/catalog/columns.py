"""What all tables are made with: metadata, and types that databases name apart."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Index, Integer, MetaData, Text, TextClause

metadata: Final = MetaData()

# Bytes decide the order of text in both databases, as they do in Python.
NAME: Final = Text().with_variant(Text(collation="C"), "postgresql")
NUMBER: Final = BigInteger().with_variant(Integer(), "sqlite")


def partial_index(name: str, *columns: Any, where: ColumnElement[bool] | TextClause) -> Index:
    """Index the rows for which `where` holds, in both databases."""
    # Whoever names an option of PostgreSQL's here imports that dialect, at every start of a depot on SQLite.
    return Index(name, *columns, sqlite_where=where, info={"where": where})


def tell_postgresql() -> None:
    """Give PostgreSQL the conditions of partial indexes, before its tables are put into words."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_options["postgresql"]["where"] = index.info["where"]
