"""Tables of what a run notes while it lasts; whoever holds the lease next sweeps."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, SmallInteger, Table

from entrepot.catalog.columns import NAME, NUMBER, metadata

declared = Table(
    "declared",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("key", NAME, primary_key=True),
    Column("content", NUMBER, nullable=False),
    Column("scope", NAME),
    sqlite_with_rowid=False,
)

#: Further scopes that declared a key, each with the same statement as the first.
declared_scope = Table(
    "declared_scope",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("key", NAME, primary_key=True),
    Column("scope", NAME, primary_key=True),
    sqlite_with_rowid=False,
)

declared_file = Table(
    "declared_file",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("relative_path", NAME, primary_key=True),
    Column("media_type", NAME, primary_key=True),
    sqlite_with_rowid=False,
)

dependency = Table(
    "dependency",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("key", NAME, primary_key=True),
    Column("needs", NAME, primary_key=True),
    Index("dependency_needs", "run", "needs", "key"),
    sqlite_with_rowid=False,
)

unmet = Table(
    "unmet",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("key", NAME, primary_key=True),
    Column("lacks", NAME, nullable=False),
    Column("round", Integer, nullable=False),
    Column("stands", Boolean, nullable=False),
    Index("unmet_round", "run", "round", "key"),
    sqlite_with_rowid=False,
)

kept = Table(
    "kept",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("name", NAME, primary_key=True),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

#: Those that grow with what a run declares.
LARGE: Final = (declared, declared_scope, declared_file, dependency, kept)
