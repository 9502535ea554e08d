"""Whether a database server had to break dead locks."""

from __future__ import annotations

from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url


def dead_locks(url: str) -> int:
    """How many dead locks the server has counted in this database, and told of any in its log where that is ours."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        row = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    log = Path(str(make_url(url).query.get("host", ""))) / "log"
    told = log.read_text(errors="replace").count("deadlock detected") if log.is_file() else 0
    return told + (row[0] if row is not None else 0)
