"""Refusals tell the plugin's version and the way past the rule; notes are found by key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what older refusals do not tell; the indexes are what `entrepot why` looks keys up by."""
    for name in ("version", "remedy"):
        op.add_column("refusal", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for table in ("refusal", "failure"):
        op.create_index(f"{table}_of_key", table, ["repository", "key"])
