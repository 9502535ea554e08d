"""The step from each revision of the catalog to the next gives what a catalog that is made today has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, inspect, text

from entrepot.catalog.catalog import Catalog
from entrepot.catalog.making import REVISIONS
from entrepot.model.ledger import RefusalRow
from unit.catalog.saying import a_run, key


def shape(engine: Engine) -> dict[str, Any]:
    """The tables that steps have changed: columns in no order, and indexes."""
    looked = inspect(engine)
    return {
        table: (
            {(column["name"], column["nullable"]) for column in looked.get_columns(table)},
            {
                (index["name"], tuple(index["column_names"]), bool(index.get("dialect_options")))
                for index in looked.get_indexes(table)
            },
        )
        for table in ("refusal", "failure", "further_scope", "declared_scope", "member_need", "published_file")
    }


def as_it_was_at_0001(connection: Connection) -> None:
    """Take away what later steps added."""
    for table in ("further_scope", "declared_scope", "member_need"):
        connection.execute(text(f"DROP TABLE {table}"))
    for index in ("refusal_of_key", "failure_of_key", "published_file_body"):
        connection.execute(text(f"DROP INDEX {index}"))
    for column in ("version", "remedy"):
        connection.execute(text(f"ALTER TABLE refusal DROP COLUMN {column}"))
    connection.execute(text("ALTER TABLE published_file DROP COLUMN headers"))
    connection.execute(text("UPDATE schema_revision SET version_num = '0001'"))


async def test_refusals_of_the_first_revision_are_kept(catalog_url: str, tmp_path: Path) -> None:
    """They say nothing about the plugin's version, and the tables are those of a catalog that is made anew."""
    catalog = Catalog.open(catalog_url, locks=tmp_path / "locks")
    ledger = await catalog.begin(a_run())
    await ledger.refuse([RefusalRow(key("a"), "rule", "reason", "plugin", "Stage", "s", 1.5, "1.0", "say please")])
    await ledger.finish("unchanged", {})
    catalog.close()
    engine = create_engine(catalog_url)
    made = shape(engine)
    with engine.begin() as connection:
        as_it_was_at_0001(connection)

    migrated = Catalog.open(catalog_url, locks=tmp_path / "locks")

    last = migrated.reader.last_run("tools")
    assert last is not None
    assert migrated.reader.refusals("tools", last.id) == [
        RefusalRow(key("a"), "rule", "reason", "plugin", "Stage", "s", 1.5)
    ]
    migrated.close()
    assert shape(engine) == made
    with engine.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM schema_revision")).scalar() == REVISIONS[-1]
    engine.dispose()


def test_partial_indexes_keep_their_conditions_in_both_databases(catalog: Catalog, catalog_url: str) -> None:
    """One over all rows would cost every first version what only a later one needs."""
    del catalog
    engine = create_engine(catalog_url)
    looked = inspect(engine)

    conditions = {
        index["name"]: [value for name, value in index.get("dialect_options", {}).items() if name.endswith("_where")]
        for table in ("artifact", "content", "membership", "published_file")
        for index in looked.get_indexes(table)
    }

    for name in ("artifact_condemned", "content_condemned", "membership_scope", "membership_added"):
        assert conditions[name], name
    engine.dispose()
