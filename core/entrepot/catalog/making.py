"""Making a catalog's tables, knowing them again, and bringing older ones up to date."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_mock_engine, insert, inspect

from entrepot.catalog.columns import metadata, tell_postgresql
from entrepot.catalog.faults import CatalogNewer, told
from entrepot.catalog.schema import schema_revision

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from entrepot.catalog.writing import Database

#: All revisions there ever were, oldest first; `schema.py` describes the last.
REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005")

#: Where the step to each revision is written.
SCRIPTS: Final = Path(__file__).parent / "migrations"


def make(database: Database) -> None:
    """Make the tables where there are none; all of them or nothing."""
    with told(database.place), database.creating() as connection:
        if revision(connection) is not None:
            return
        for statement in _definitions(f"{connection.dialect.name}+{connection.dialect.driver}"):
            connection.exec_driver_sql(statement)
        database.furnish(connection)
        connection.execute(insert(schema_revision), {"version_num": REVISIONS[-1]})


@functools.cache
def _definitions(dialect: str) -> tuple[str, ...]:
    """Every table and index as SQL: putting them into words takes longer than making them."""
    statements: list[str] = []

    def write_down(definition: Any, *_: Any, **__: Any) -> None:
        statements.append(str(definition.compile(dialect=engine.dialect)))

    engine = create_mock_engine(f"{dialect}://", write_down)
    if engine.dialect.name == "postgresql":
        tell_postgresql()
    metadata.create_all(engine, checkfirst=False)
    return tuple(statements)


def revision(connection: Connection) -> str | None:
    """The revision that the tables say they have; None where there are none."""
    if not inspect(connection).has_table(schema_revision.name):
        return None
    found: str | None = connection.execute(schema_revision.select()).scalar()
    return found


def check(database: Database, *, revisions: tuple[str, ...] = REVISIONS, scripts: Path = SCRIPTS) -> None:
    """Refuse a catalog that is missing, damaged or newer; bring an older one up to date."""
    if not database.exists():
        raise database.missing()
    with told(database.place), database.readers.connect() as connection:
        found = revision(connection)
    if found is None:
        raise database.missing()
    if found not in revisions:
        raise CatalogNewer(
            f"the catalog has revision {found!r}, and this entrepot knows revisions up to {revisions[-1]!r}",
            where=database.place,
            remedy="use the entrepot that wrote it, or a newer one: pip install --upgrade entrepot",
        )
    if found != revisions[-1]:
        _migrate(database, found, scripts)


def _migrate(database: Database, found: str, scripts: Path) -> None:
    """Take every step to the last revision in one transaction, on SQLite after a copy."""
    with told(database.place), database.creating() as connection:
        if revision(connection) == found:
            database.copy(f"before-{found}-was-migrated")
            _take_steps(connection, scripts)


def _take_steps(connection: Connection, scripts: Path) -> None:
    # Importing it takes longer than all else that opening a catalog does, and is hardly ever needed.
    from alembic.config import Config  # noqa: PLC0415  # slow, and only a migration needs it
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415  # slow, and only a migration needs it
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # slow, and only a migration needs it

    script = ScriptDirectory(str(scripts))

    def steps(at: Any, context: Any) -> Any:
        del context
        return script._upgrade_revs("head", at)

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, version_table=schema_revision.name, transactional_ddl=False)
        environment.run_migrations()
