"""What can be wrong with a catalog: each is an error with a remedy, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from entrepot.catalog.catalog import Catalog, database_for
from entrepot.catalog.faults import (
    CatalogDamaged,
    CatalogFull,
    CatalogLocked,
    CatalogMissing,
    CatalogNewer,
    CatalogReadOnly,
    CatalogUnavailable,
    fault,
)
from entrepot.catalog.making import REVISIONS, SCRIPTS, check
from entrepot.errors import ConfigurationError, DepotError
from unit.catalog.saying import a_run, declare, holding, names, said, sync

NOBODY = 65534


@pytest.fixture
def catalog_file(sqlite_url: str) -> Path:
    """An empty catalog in a file."""
    return Path(sqlite_url.removeprefix("sqlite:///"))


def opened(file: Path, **options: Any) -> Catalog:
    return Catalog.open(f"sqlite:///{file}", locks=file.parent / "locks", **options)


@pytest.mark.fault("C12")
def test_a_catalog_that_is_not_there_is_missed(tmp_path: Path, postgres_url: str) -> None:
    """Nothing is made unless it was asked for; an empty database is as good as none."""
    for url in (f"sqlite:///{tmp_path}/catalog.sqlite", postgres_url):
        with pytest.raises(CatalogMissing) as missing:
            Catalog.open(url, locks=tmp_path)

        assert "entrepot init" in missing.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_making_a_catalog_twice_changes_nothing(catalog_url: str, tmp_path: Path) -> None:
    """What is there stays."""
    for _ in range(2):
        Catalog.open(catalog_url, locks=tmp_path, create=True).close()


@pytest.mark.parametrize("url", ["mysql://host/x", "no url at all", "sqlite://"])
def test_a_url_of_something_else_is_a_mistake_in_the_configuration(url: str, tmp_path: Path) -> None:
    """It is said which URLs there are, and no secret of the URL is shown."""
    with pytest.raises(ConfigurationError) as unusable:
        Catalog.open(url, locks=tmp_path)

    assert "sqlite:////" in unusable.value.remedy


@pytest.mark.fault("C12")
def test_a_newer_catalog_is_left_alone(catalog_url: str, tmp_path: Path) -> None:
    """An older program neither writes nor guesses."""
    engine = create_engine(catalog_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE schema_revision SET version_num = '9999'"))

    with pytest.raises(CatalogNewer, match="9999"):
        Catalog.open(catalog_url, locks=tmp_path)

    with engine.begin() as connection:
        connection.execute(text("UPDATE schema_revision SET version_num = :head"), {"head": REVISIONS[-1]})
    engine.dispose()


@pytest.mark.fault("C12")
@pytest.mark.parametrize("bytes_", [b"no database " * 1000, b""])
def test_a_file_that_is_no_catalog_is_not_taken_for_one(tmp_path: Path, bytes_: bytes) -> None:
    """Whatever lies there is not written over."""
    file = tmp_path / "catalog.sqlite"
    file.write_bytes(bytes_)

    with pytest.raises((CatalogDamaged, CatalogMissing)):
        opened(file)

    assert file.read_bytes() == bytes_


def overwrite(file: Path, *, start: int) -> None:
    size = file.stat().st_size
    with file.open("r+b") as raw:
        raw.seek(start)
        raw.write(os.urandom(size - start))


@pytest.mark.fault("C12")
@pytest.mark.promise("P24")
async def test_a_damaged_catalog_says_so(catalog_file: Path) -> None:
    """A page that was overwritten is noticed by whoever comes across it."""
    catalog = opened(catalog_file)
    await sync(catalog, *(said(str(number)) for number in range(3000)))
    catalog.close()
    overwrite(catalog_file, start=4096)

    with pytest.raises(CatalogDamaged) as damaged:
        names(opened(catalog_file), 1)

    assert "backup" in damaged.value.remedy


@contextmanager
def a_few_more_pages_for(file: Path) -> Iterator[None]:
    """Let a SQLite file grow by a few pages and no more: SQLite's own way to meet a full disk."""
    number = file.stat().st_size // 4096 + 20

    connect = sqlite3.connect

    def limited(*where: Any, **how: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*where, **how)
        connection.execute(f"PRAGMA max_page_count = {number}")
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", limited)
        yield


@pytest.mark.fault("C06")
@pytest.mark.promise("P24")
async def test_a_full_disk_loses_nothing_and_heals(catalog_file: Path) -> None:
    """The batch is not written, the version before is served, and once there is room the sync succeeds."""
    catalog = opened(catalog_file)
    await sync(catalog, said("a"))

    with a_few_more_pages_for(catalog_file):
        ledger = await catalog.begin(a_run())
        with pytest.raises(CatalogFull) as full:
            await declare(ledger, *(said(str(number)) for number in range(5000)))
        assert names(catalog, 1) == holding(said("a"))
        await ledger.finish("failed", {})

    assert "make room" in full.value.remedy
    await sync(catalog, said("b"))
    assert names(catalog, 2) == holding(said("b"))
    catalog.close()


@pytest.mark.fault("C11")
@pytest.mark.promise("P24")
async def test_a_program_that_locks_the_file_is_waited_for_and_then_named(catalog_file: Path) -> None:
    """Reading goes on meanwhile; when the other lets go, so does writing."""
    catalog = opened(catalog_file, patience=0.2)
    await sync(catalog, said("a"))
    with closing(sqlite3.connect(catalog_file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(CatalogLocked):
            await catalog.begin(a_run())

        assert names(catalog, 1) == holding(said("a"))
    await sync(catalog, said("b"))
    catalog.close()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="entrepot-catalog-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def forbid_writing(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        path.chmod(path.stat().st_mode & ~0o222)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be somebody whom file permissions bind, where the tests are run by root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.fault("C07")
@pytest.mark.promise("P24")
async def test_a_depot_that_cannot_be_written_can_be_read(open_folder: Path) -> None:
    """A sync says what is missing; versions are served all the same."""
    file = open_folder / "catalog.sqlite"
    catalog = opened(file, create=True)
    await sync(catalog, said("a"))
    catalog.close()
    forbid_writing(open_folder)

    with as_nobody():
        catalog = opened(file)
        assert names(catalog, 1) == holding(said("a"))
        with pytest.raises(CatalogReadOnly) as refused:
            await catalog.begin(a_run())
        catalog.close()

    assert "right to write" in refused.value.remedy


@pytest.mark.fault("S02")
@pytest.mark.promise("P24")
def test_a_server_that_is_down_is_named(tmp_path: Path) -> None:
    """With the database it was to be, and never with a password."""
    with pytest.raises(CatalogUnavailable) as down:
        Catalog.open(f"postgresql+psycopg://user:secret@/nothing?host={tmp_path}", locks=tmp_path)

    assert "nothing" in down.value.where
    assert "secret" not in str(down.value)


@pytest.mark.fault("S01")
@pytest.mark.promise("P24")
@pytest.mark.postgres
async def test_a_server_that_goes_away_in_a_run_ends_it_with_an_error(postgres_url: str, tmp_path: Path) -> None:
    """What was committed stays; a new run finds the server again."""
    catalog = Catalog.open(postgres_url, locks=tmp_path, create=True)
    await sync(catalog, said("a"))
    ledger = await catalog.begin(a_run())
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database()"
            )
        )
    engine.dispose()

    with pytest.raises(CatalogUnavailable):
        await declare(ledger, said("b"))

    assert names(catalog, 1) == holding(said("a"))
    catalog.close()


def test_an_error_that_nobody_foresaw_is_still_a_page_of_help() -> None:
    """Its class and text are shown, and how to report it."""
    error = fault(ValueError("odd"), "the catalog")

    assert type(error) is DepotError
    assert "ValueError: odd" in error.what
    assert "--debug" in error.remedy


HEAD = REVISIONS[-1]
COMING = f"{int(HEAD) + 1:04}"

STEP = """
revision, down_revision = "{coming}", "{head}"

def upgrade():
    from alembic import op
    op.execute("CREATE TABLE news (id INTEGER PRIMARY KEY)")
    {rest}
"""


def write_step(folder: Path, rest: str) -> None:
    """Write the step to a revision that is yet to come."""
    step = STEP.format(coming=COMING, head=HEAD, rest=rest)
    (folder / "versions" / f"{COMING}_news.py").write_text(step)


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """Steps to a revision that is yet to come."""
    folder = tmp_path / "steps"
    shutil.copytree(SCRIPTS, folder)
    write_step(folder, "pass")
    return folder


async def test_an_older_catalog_is_brought_up_to_date(catalog_url: str, steps: Path, tmp_path: Path) -> None:
    """Every step in one transaction; on SQLite after a copy that an older program can go on with."""
    catalog = Catalog.open(catalog_url, locks=tmp_path / "locks")
    await sync(catalog, said("a"))
    catalog.close()
    database = database_for(catalog_url, tmp_path / "locks")

    for _ in range(2):
        check(database, revisions=(*REVISIONS, COMING), scripts=steps)

    with database.open_reader() as connection:
        assert [tuple(row) for row in connection.execute("SELECT version_num FROM schema_revision")] == [(COMING,)]
        assert tuple(connection.execute("SELECT count(*) FROM news").fetchone()) == (0,)
    copies = [name for name in os.listdir(tmp_path) if name.startswith("catalog.sqlite.before-")]
    assert copies == ([f"catalog.sqlite.before-{HEAD}-was-migrated"] if catalog_url.startswith("sqlite") else [])
    for copy in copies:
        with closing(opened(tmp_path / copy)) as older:
            assert names(older, 1) == holding(said("a"))
    with database.creating() as connection:
        connection.execute("DROP TABLE news")
        connection.execute(f"UPDATE schema_revision SET version_num = '{HEAD}'")  # noqa: S608  # our own text
    database.close()


@pytest.mark.fault("C18")
async def test_a_step_that_fails_changes_nothing(catalog_url: str, steps: Path, tmp_path: Path) -> None:
    """The catalog is as it was, at the revision it had, and usable by the program that wrote it."""
    write_step(steps, "op.execute('SELECT nonsense FROM nowhere')")
    database = database_for(catalog_url, tmp_path / "locks")

    with pytest.raises(DepotError):
        check(database, revisions=(*REVISIONS, COMING), scripts=steps)

    check(database)
    with database.open_reader() as connection, pytest.raises((sqlite3.OperationalError, ProgrammingError)):
        connection.execute("SELECT count(*) FROM news")
    database.close()


def test_the_revisions_that_are_known_are_those_that_are_written() -> None:
    """A step that was forgotten in the list would never be taken."""
    written = sorted(path.name.partition("_")[0] for path in (SCRIPTS / "versions").glob("[0-9]*.py"))

    assert written == list(REVISIONS)
