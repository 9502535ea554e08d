"""The tables.

Digests are raw bytes. What content refers to is named by digest or key, never by the row of an
artifact, so that bytes may come and go without touching a statement. There are no foreign keys:
each would cost a look-up for every row of a batch and, on PostgreSQL, a lock on a shared row.

Versions are intervals: a row is part of version n when `added <= n < removed`. An open row is
closed by no version yet, and says so with a number that no version reaches: that makes the primary
key both the rule "one open row for each key" and the one index that every look-up uses.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from entrepot.catalog import scratch
from entrepot.catalog.columns import NAME, NUMBER, metadata, partial_index
from entrepot.catalog.reserved import CONTENT_BLOCK, OPEN

content_block = Sequence("content_block", increment=CONTENT_BLOCK, start=1, metadata=metadata)

# Who may write, and what is known of whole versions.

repository = Table(
    "repository",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", NAME, nullable=False, unique=True),
    Column("type", NAME, nullable=False),
    Column("private", Boolean, nullable=False),
    sqlite_autoincrement=True,
)

lease = Table(
    "lease",
    metadata,
    Column("repository", Integer, primary_key=True, autoincrement=False),
    Column("token", Integer, nullable=False),
    Column("run", Integer),
    Column("holder", Text, nullable=False),
    Column("beat", Double, nullable=False),
)

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("repository", Integer, nullable=False),
    Column("token", Integer, nullable=False),
    Column("plan", NAME, nullable=False),
    Column("started", Double, nullable=False),
    Column("ended", Double),
    Column("outcome", NAME),
    Column("number", Integer),
    Column("report", Text, nullable=False),
    Column("swept", Boolean, nullable=False),
    Index("run_of_repository", "repository", "id"),
    sqlite_autoincrement=True,
)

repository_version = Table(
    "repository_version",
    metadata,
    Column("repository", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("run", Integer, nullable=False),
    Column("completed", Double),
    Column("pruned", Double),
    Column("members", Integer, nullable=False),
    Column("fingerprint", NAME, nullable=False),
    Column("report", Text, nullable=False),
)

# Bytes, and who may have them.

artifact = Table(
    "artifact",
    metadata,
    Column("sha256", LargeBinary, primary_key=True),
    Column("size", NUMBER, nullable=False),
    Column("condemned", Double),
    sqlite_with_rowid=False,
)
partial_index(
    "artifact_condemned",
    artifact.c.condemned,
    where=artifact.c.condemned.is_not(None),
)

artifact_digest = Table(
    "artifact_digest",
    metadata,
    Column("algorithm", NAME, primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("artifact", LargeBinary, primary_key=True),
    Index("artifact_digest_of", "artifact"),
    sqlite_with_rowid=False,
)

holding = Table(
    "holding",
    metadata,
    Column("artifact", LargeBinary, primary_key=True),
    Column("realm", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Statements; shared between versions and repositories, and never updated.

content = Table(
    "content",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=False),
    Column("type", NAME, nullable=False),
    Column("identity", LargeBinary, nullable=False),
    Column("key", NAME, nullable=False),
    Column("fields", LargeBinary, nullable=False),
    Column("condemned", Double),
    # The identity alone would do; led by the key, rows that upstream lists together stand together.
    UniqueConstraint("key", "identity", name="content_statement"),
)
partial_index(
    "content_condemned",
    content.c.condemned,
    where=content.c.condemned.is_not(None),
)

content_artifact = Table(
    "content_artifact",
    metadata,
    Column("content", NUMBER, primary_key=True, autoincrement=False),
    Column("relative_path", NAME, primary_key=True),
    Column("algorithm", NAME, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("size", NUMBER),
    Index("content_artifact_path", "relative_path", "content"),
    sqlite_with_rowid=False,
)

content_field = Table(
    "content_field",
    metadata,
    Column("content", NUMBER, primary_key=True, autoincrement=False),
    Column("name", NAME, primary_key=True),
    Column("value", NAME, primary_key=True),
    Index("content_field_value", "name", "value", "content"),
    sqlite_with_rowid=False,
)

remote_artifact = Table(
    "remote_artifact",
    metadata,
    Column("repository", Integer, primary_key=True, autoincrement=False),
    Column("content", NUMBER, primary_key=True, autoincrement=False),
    Column("relative_path", NAME, primary_key=True),
    Column("urls", Text, nullable=False),
    sqlite_with_rowid=False,
)

# What versions are made of.

membership = Table(
    "membership",
    metadata,
    Column("repository", Integer, primary_key=True, autoincrement=False),
    Column("key", NAME, primary_key=True),
    Column("removed", Integer, primary_key=True, autoincrement=False),
    Column("added", Integer, nullable=False),
    Column("content", NUMBER, nullable=False),
    Column("scope", NAME),
    sqlite_with_rowid=False,
)

#: Further scopes in which a member is listed, beside its row's own; "" is no scope. Few members have any.
further_scope = Table(
    "further_scope",
    metadata,
    Column("repository", Integer, primary_key=True, autoincrement=False),
    Column("key", NAME, primary_key=True),
    Column("scope", NAME, primary_key=True),
    Column("removed", Integer, primary_key=True, autoincrement=False),
    Column("added", Integer, nullable=False),
    sqlite_with_rowid=False,
)

#: What members need, as far as a run said so when it declared them; a member that needs nothing has no row.
member_need = Table(
    "member_need",
    metadata,
    Column("repository", Integer, primary_key=True, autoincrement=False),
    Column("key", NAME, primary_key=True),
    Column("needs", NAME, primary_key=True),
    Column("removed", Integer, primary_key=True, autoincrement=False),
    Column("added", Integer, nullable=False),
    sqlite_with_rowid=False,
)

published_file = Table(
    "published_file",
    metadata,
    Column("repository", Integer, primary_key=True, autoincrement=False),
    Column("relative_path", NAME, primary_key=True),
    Column("media_type", NAME, primary_key=True),
    Column("removed", Integer, primary_key=True, autoincrement=False),
    Column("added", Integer, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size", NUMBER, nullable=False),
    Column("stored", Boolean, nullable=False),
    Column("headers", Text, nullable=False, server_default=""),
    sqlite_with_rowid=False,
)

published_body = Table(
    "published_body",
    metadata,
    Column("sha256", LargeBinary, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

# Only what a later version changed is indexed by version: a first version of any size pays nothing.
for _table in (membership, further_scope, member_need, published_file):
    _later = _table.c.added != text("1")
    _closed = _table.c.removed != text(str(OPEN))
    partial_index(f"{_table.name}_added", _table.c.repository, _table.c.added, where=_later)
    partial_index(f"{_table.name}_removed", _table.c.repository, _table.c.removed, where=_closed)
partial_index(
    "membership_scope",
    membership.c.repository,
    membership.c.scope,
    membership.c.key,
    where=membership.c.scope.is_not(None),
)
Index("member_need_of", member_need.c.repository, member_need.c.needs, member_need.c.removed, member_need.c.key)
_small = text("NOT stored")
partial_index("published_file_body", published_file.c.sha256, where=_small)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("repository", Integer, primary_key=True, autoincrement=False),
    Column("scope", NAME, primary_key=True),
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("value", Text, nullable=False),
    Index("checkpoint_of_run", "run", "scope"),
    sqlite_with_rowid=False,
)

#: Tables of a run in progress that grow with what it declares.
LARGE_WHILE_IT_LASTS: Final = scratch.LARGE

# What is kept to be told.

refusal = Table(
    "refusal",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("repository", Integer, nullable=False),
    Column("run", Integer, nullable=False),
    Column("key", NAME, nullable=False),
    Column("rule", NAME, nullable=False),
    Column("reason", Text, nullable=False),
    Column("plugin", NAME, nullable=False),
    Column("stage", NAME, nullable=False),
    Column("scope", NAME),
    Column("until", Double),
    Column("version", Text, nullable=False, server_default=""),
    Column("remedy", Text, nullable=False, server_default=""),
    Index("refusal_of_run", "run", "key"),
    Index("refusal_of_key", "repository", "key"),
    Index("refusal_of_scope", "repository", "scope"),
)

failure = Table(
    "failure",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("repository", Integer, nullable=False),
    Column("run", Integer, nullable=False),
    Column("key", NAME, nullable=False),
    Column("stage", NAME, nullable=False),
    Column("plugin", NAME, nullable=False),
    Column("error", Text, nullable=False),
    Column("url", Text),
    Column("scope", NAME),
    Index("failure_of_run", "run", "key"),
    Index("failure_of_key", "repository", "key"),
    Index("failure_of_scope", "repository", "scope"),
)

#: The numbers 0, 1, 2, ... that SQLite cuts a packed batch by; see `sqlite.py`.
number = Table("number", metadata, Column("n", Integer, primary_key=True, autoincrement=False))

schema_revision = Table("schema_revision", metadata, Column("version_num", NAME, primary_key=True))
