"""PostgreSQL, through psycopg: many writers on many machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from entrepot.catalog import schema
from entrepot.catalog.batch import Batch, BatchColumn, Kind
from entrepot.catalog.faults import CatalogMissing, told
from entrepot.catalog.leases import Claim
from entrepot.catalog.postgresql_connection import PostgresConnection
from entrepot.catalog.server_leases import RowClaim, SessionClaim
from entrepot.catalog.statement import Tongue
from entrepot.failpoints import failpoint

if TYPE_CHECKING:
    import sqlalchemy

    from entrepot.catalog.connection import Connection

#: Only makers of the tables need it, one after the other; any number will do.
_MAKING: Final = 0x656E7472

#: The same for whoever prunes.
_PRUNING: Final = 0x656E7473

_TYPES: Final = {Kind.INT: "bigint", Kind.TEXT: "text", Kind.BLOB: "bytea", Kind.SHA256: "bytea"}

_COUNT_ROWS: Final = "ANALYZE (SKIP_LOCKED) " + ", ".join(
    table.name
    for table in (
        schema.artifact,
        schema.artifact_digest,
        schema.holding,
        schema.content,
        schema.content_artifact,
        schema.content_field,
        schema.remote_artifact,
        schema.membership,
        schema.further_scope,
        schema.member_need,
        schema.published_file,
        *schema.LARGE_WHILE_IT_LASTS,
    )
)

_CONNECT: Final = {
    "connect_timeout": 10,
    # A plan made for a small table would be kept while the table grows by millions; a few hundred
    # look-ups in an index that memory holds are cheaper than reading a table; a sample is enough.
    "options": "-c plan_cache_mode=force_custom_plan -c random_page_cost=1.1 -c default_statistics_target=10"
    " -c lock_timeout=60s -c jit=off",
    "application_name": "entrepot",
}


class PostgresDatabase:
    """A database on a server; the schema is what the connection's search path says."""

    # Said outright, for a server may be set to more; then transactions would end that need not.
    begin_writing = "BEGIN ISOLATION LEVEL READ COMMITTED"
    begin_reading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    has_revision = "SELECT count(*) FROM pg_class WHERE relname = 'schema_revision' AND pg_table_is_visible(oid)"
    dialect = "postgresql+psycopg"

    def __init__(self, url: URL, *, term: float) -> None:
        self.place = f"the catalog at {url.host or url.query.get('host', 'the local socket')}, database {url.database}"
        self._term = term
        # What a statement was given may be an upstream's URL: no traceback repeats it.
        how: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "connect_args": _CONNECT, "hide_parameters": True}
        self._writers = create_engine(url, poolclass=NullPool, **how)
        # A pooled connection may have died since it was used; asking first lets reading heal by itself.
        self._readers = create_engine(url, pool_size=4, pool_pre_ping=True, **how)
        self.tongue = Tongue(
            {
                "insert": "INSERT INTO",
                "ignore": "ON CONFLICT DO NOTHING",
                "differs": "IS DISTINCT FROM",
                "same": "IS NOT DISTINCT FROM",
                "hex": "encode(sha256, 'hex')",
                "next_content": "nextval('content_block')",
                "share": "FOR SHARE OF lease",
                "update": "FOR UPDATE OF lease",
                "unheld": "FOR UPDATE OF x SKIP LOCKED",
                "now": "extract(epoch FROM clock_timestamp())::float8",
                "free": f"(lease.run IS NULL OR lease.beat < extract(epoch FROM clock_timestamp())::float8 - {term!r})",
            },
            aggregate="CAST(json_agg(X ORDER BY n) AS text)",
            relation=_relation,
            pack=_pack,
            spell=partial(_spelt, self._writers.dialect),
        )

    def exists(self) -> bool:
        return True

    def missing(self) -> CatalogMissing:
        return CatalogMissing(f"there is no catalog in {self.place}", remedy="make one with: entrepot init")

    @contextmanager
    def creating(self) -> Iterator[Connection]:
        """A connection that makes tables, one maker after the other."""
        with self.migrating() as (connection, _):
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[tuple[Connection, sqlalchemy.Connection]]:
        """The same, and once more as SQLAlchemy has it, for steps to a later revision."""
        with PostgresConnection(self._writers.connect()) as connection:
            connection.execute("BEGIN")
            connection.execute(f"SELECT pg_advisory_xact_lock({_MAKING})")
            failpoint("catalog.create")
            yield connection, connection.alchemy
            failpoint("catalog.create.commit")
            connection.execute("COMMIT")
            failpoint("catalog.created")

    def furnish(self, connection: Connection) -> None:
        """Nothing but the tables is needed: the server counts rows by itself."""

    def copy(self, name: str) -> None:
        """Nothing: whoever runs a server has backups of it, and a failed step leaves it as it was."""

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Nothing to wait for: the server orders writers by the rows they touch."""
        yield

    def open_writer(self, *, in_small_steps: bool = False) -> Connection:
        """A connection for one thread; the server copies its log by itself, in steps of its own."""
        del in_small_steps
        return PostgresConnection(self._writers.connect())

    def open_reader(self) -> Connection:
        return PostgresConnection(self._readers.connect())

    def begin(self, connection: Connection, *, lasting: bool) -> None:
        """Begin to write; all that is committed lasts."""
        del lasting
        connection.execute(self.begin_writing)

    def count_rows(self, connection: Connection) -> None:
        """Let the server look how large tables are; by itself it does so a minute too late for a first sync."""
        connection.execute(_COUNT_ROWS)

    def claim(self, repository: str) -> Claim:
        """The lease is a row here, kept by beating; see `leases.py`."""
        del repository
        return RowClaim(self._writers, self._term)

    def claim_alone(self, repository: str) -> Claim:
        """The same: whether a lease is dead, its row tells."""
        return self.claim(repository)

    def claim_pruning(self) -> Claim:
        """Take the server's lock of the one prune, kept by a connection and gone with it."""
        return SessionClaim.take(self._writers, _PRUNING)

    def hold_still(self, connection: Connection, table: str, *, alone: bool = False) -> None:
        """Wait for those who write to a table, and let nobody begin to, until the transaction ends."""
        connection.execute(f"LOCK TABLE {table} IN {'SHARE ROW EXCLUSIVE' if alone else 'SHARE'} MODE")

    def close(self) -> None:
        self._readers.dispose()
        self._writers.dispose()


def open_postgresql(url: str, *, term: float) -> PostgresDatabase | None:
    """Open the database that a URL names; None where the URL names none."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    if parsed.get_backend_name() != "postgresql":
        return None
    with told(f"the catalog at {parsed.host}"):
        return PostgresDatabase(parsed.set(drivername="postgresql+psycopg"), term=term)


def _spelt(dialect: sqlalchemy.Dialect, said: str) -> str:
    """Name parameters as psycopg does."""
    return str(text(said).compile(dialect=dialect))


def _relation(batch: Batch) -> str:
    arrays = ", ".join(f"CAST(:{column.name} AS {_TYPES[column.kind]}[])" for column in batch.columns)
    names = ", ".join(column.name for column in batch.columns)
    return f"unnest({arrays}) WITH ORDINALITY AS batch({names}, n)"


def _pack(batch: Batch, columns: Sequence[Sequence[Any]]) -> dict[str, Any]:
    return {
        column.name: f"{{{_elements(column, cells)}}}" for column, cells in zip(batch.columns, columns, strict=True)
    }


# Arrays are written out here as PostgreSQL reads them: joined at once, not adapted cell by cell.


def _elements(column: BatchColumn, cells: Sequence[Any]) -> str:
    if cells.count(cells[0]) == len(cells):
        return ",".join([_element(column.kind, cells[0])] * len(cells))
    if column.nullable:
        return ",".join([_element(column.kind, cell) for cell in cells])
    match column.kind:
        case Kind.INT:
            return ",".join(map(str, cells))
        case Kind.SHA256:
            return '"\\\\x' + b"".join(cells).hex(",", 32).replace(",", '","\\\\x') + '"'
        case Kind.BLOB:
            return ",".join([f'"\\\\x{cell.hex()}"' for cell in cells])
    # No text has a NUL: PostgreSQL could not keep it.
    return '"' + _escaped("\0".join(cells)).replace("\0", '","') + '"'


def _element(kind: Kind, cell: Any) -> str:
    if cell is None:
        return "NULL"
    if kind is Kind.INT:
        return str(cell)
    return f'"{_escaped(cell)}"' if kind is Kind.TEXT else f'"\\\\x{cell.hex()}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
