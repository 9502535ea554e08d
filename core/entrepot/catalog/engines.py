"""Which database libraries this Python brings, for `entrepot doctor`."""

from __future__ import annotations

import sqlite3
from typing import Final

import sqlalchemy

#: The first SQLite in which checkpoints of two connections at once cannot corrupt the log.
_MENDED: Final = (3, 51, 3)


def engine_versions() -> dict[str, str]:
    """Name of library -> version."""
    return {"SQLite": sqlite3.sqlite_version, "SQLAlchemy": sqlalchemy.__version__}


def needs_one_writer() -> bool:
    """Whether this SQLite is safe only because one process at a time writes or checkpoints."""
    return sqlite3.sqlite_version_info < _MENDED
