"""What a member needs is known beyond the run that declared it; bodies are found by who names them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from entrepot.catalog.columns import NAME

revision = "0004"
down_revision = "0003"

OPEN = 2**31 - 1


def upgrade() -> None:
    """Add the table, empty: of older members nothing is known until a run declares them again."""
    op.create_table(
        "member_need",
        sa.Column("repository", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", NAME, primary_key=True),
        sa.Column("needs", NAME, primary_key=True),
        sa.Column("removed", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("added", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    for name, rows in (("added", sa.text("added != 1")), ("removed", sa.text(f"removed != {OPEN}"))):
        op.create_index(
            f"member_need_{name}", "member_need", ["repository", name], sqlite_where=rows, postgresql_where=rows
        )
    op.create_index("member_need_of", "member_need", ["repository", "needs", "removed", "key"])
    small = sa.text("NOT stored")
    op.create_index("published_file_body", "published_file", ["sha256"], sqlite_where=small, postgresql_where=small)
