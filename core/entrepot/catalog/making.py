"""Making a catalog's tables, knowing them again, and bringing older ones up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from entrepot.catalog.faults import CatalogNewer, told
from entrepot.catalog.statement import Session, Statement, StatementCount

if TYPE_CHECKING:
    import sqlalchemy

    from entrepot.catalog.connection import Connection
    from entrepot.catalog.writing import Database

#: All revisions there ever were, oldest first; `schema.py` describes the last.
REVISIONS: Final = ("0001", "0002", "0003", "0004", "0005")

#: Where the step to each revision is written.
SCRIPTS: Final = Path(__file__).parent / "migrations"

_NOTE_REVISION: Final = Statement("INSERT INTO schema_revision (version_num) VALUES (:revision)")


def make(database: Database) -> None:
    """Make the tables where there are none; all of them or nothing."""
    with told(database.place), database.creating() as connection:
        if revision(database, connection) is not None:
            return
        # Importing SQLAlchemy takes longer than most commands, and none but this one needs the definitions.
        from entrepot.catalog.definitions import definitions  # noqa: PLC0415  # slow, and only making tables needs it

        for statement in definitions(database.dialect):
            connection.execute(statement)
        database.furnish(connection)
        Session(connection, database.tongue, count=StatementCount()).change(_NOTE_REVISION, revision=REVISIONS[-1])


def revision(database: Database, connection: Connection) -> str | None:
    """The revision that the tables say they have; None where there are none."""
    if not connection.execute(database.has_revision).fetchone()[0]:
        return None
    row = connection.execute("SELECT version_num FROM schema_revision").fetchone()
    return None if row is None else str(row[0])


def check(database: Database, *, revisions: tuple[str, ...] = REVISIONS, scripts: Path = SCRIPTS) -> None:
    """Refuse a catalog that is missing, damaged or newer; bring an older one up to date."""
    if not database.exists():
        raise database.missing()
    with told(database.place), database.open_reader() as connection:
        found = revision(database, connection)
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
    with told(database.place), database.migrating() as (connection, alchemy):
        if revision(database, connection) == found:
            database.copy(f"before-{found}-was-migrated")
            _take_steps(alchemy, scripts)


def _take_steps(connection: sqlalchemy.Connection, scripts: Path) -> None:
    # Importing it takes longer than all else that opening a catalog does, and is hardly ever needed.
    from alembic.config import Config  # noqa: PLC0415  # slow, and only a migration needs it
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415  # slow, and only a migration needs it
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # slow, and only a migration needs it

    script = ScriptDirectory(str(scripts))

    def steps(at: Any, context: Any) -> Any:
        del context
        return script._upgrade_revs("head", at)

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, version_table="schema_revision", transactional_ddl=False)
        environment.run_migrations()
