"""The tables as `schema.py` makes them; where every catalog begins."""

from __future__ import annotations

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Change nothing: a catalog of this revision is made whole, not step by step."""
