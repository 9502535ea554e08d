"""A published file may have headers of its own, which its answers carry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column: older files have none."""
    op.add_column("published_file", sa.Column("headers", sa.Text, nullable=False, server_default=""))
