"""Making a catalog's tables, and knowing them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, inspect

from entrepot.catalog.faults import CatalogNewer, told
from entrepot.catalog.schema import metadata, schema_revision

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from entrepot.catalog.writing import Database

#: The revision that `schema.py` describes.
HEAD: Final = "0001"


def make(database: Database) -> None:
    """Make the tables where there are none; all of them or nothing."""
    with told(database.place), database.creating() as connection:
        if inspect(connection).has_table(schema_revision.name):
            return
        metadata.create_all(connection)
        database.furnish(connection)
        connection.execute(insert(schema_revision), {"version_num": HEAD})


def revision(connection: Connection) -> str | None:
    """The revision that the tables say they have; None where there are none."""
    if not inspect(connection).has_table(schema_revision.name):
        return None
    found: str | None = connection.execute(schema_revision.select()).scalar()
    return found


def check(database: Database) -> None:
    """Refuse a catalog that is missing, damaged or newer than this program."""
    if not database.exists():
        raise database.missing()
    with told(database.place), database.readers.connect() as connection:
        found = revision(connection)
    if found is None:
        raise database.missing()
    if found != HEAD:
        raise CatalogNewer(
            f"the catalog has revision {found!r}, and this entrepot knows revisions up to {HEAD!r}",
            where=database.place,
            remedy="use the entrepot that wrote it, or a newer one: pip install --upgrade entrepot",
        )
