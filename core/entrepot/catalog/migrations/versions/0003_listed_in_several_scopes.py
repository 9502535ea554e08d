"""A member may be listed in several scopes, and stays while one of them has it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from entrepot.catalog.columns import NAME

revision = "0003"
down_revision = "0002"

OPEN = 2**31 - 1


def upgrade() -> None:
    """Add the tables, empty: older members are taken to be listed in the one scope that is known."""
    op.create_table(
        "further_scope",
        sa.Column("repository", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", NAME, primary_key=True),
        sa.Column("scope", NAME, primary_key=True),
        sa.Column("removed", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("added", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    for name, rows in (("added", sa.text("added != 1")), ("removed", sa.text(f"removed != {OPEN}"))):
        op.create_index(
            f"further_scope_{name}", "further_scope", ["repository", name], sqlite_where=rows, postgresql_where=rows
        )
    op.create_table(
        "declared_scope",
        sa.Column("run", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", NAME, primary_key=True),
        sa.Column("scope", NAME, primary_key=True),
        sqlite_with_rowid=False,
    )
