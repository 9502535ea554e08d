"""Which commits of a run are synced by themselves, and which only keep their place in the log."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import attrs
import pytest

from entrepot.catalog.catalog import Catalog
from entrepot.model.digest import Digest
from entrepot.model.ledger import KeptArtifact, Source
from unit.catalog.saying import a_run, declare, link, said, sha256

_LEVEL = re.compile(r"PRAGMA synchronous = (\w+)")
_WRITTEN = re.compile(r"\b(?:INSERT(?: OR IGNORE)? INTO|UPDATE|DELETE FROM) (\w+)")


@attrs.define
class Transaction:
    """One that was committed: how it is synced, and the tables that it spoke of."""

    level: str
    tables: set[str] = attrs.field(factory=set)


@attrs.define
class Heard:
    """What a connection that writes was told."""

    committed: list[Transaction] = attrs.field(factory=list)
    level: str = "FULL"
    open: Transaction | None = None

    def hear(self, told: str) -> None:
        if level := _LEVEL.fullmatch(told):
            assert self.open is None, "SQLite does not change it within a transaction"
            self.level = level[1]
        elif told == "BEGIN IMMEDIATE":
            self.open = Transaction(self.level)
        elif self.open is not None and told == "COMMIT":
            self.committed.append(self.open)
            self.open = None
        elif self.open is not None:
            self.open.tables |= set(_WRITTEN.findall(told))

    def take(self) -> list[Transaction]:
        """What was committed since, of what wrote."""
        committed, self.committed = [each for each in self.committed if each.tables], []
        return committed


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What SQLite is told on every connection that is opened from here on."""
    heard, connect = Heard(), sqlite3.connect

    def listened_to(*args: Any, **named: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **named)
        connection.set_trace_callback(heard.hear)
        return connection

    monkeypatch.setattr(sqlite3, "connect", listened_to)
    return heard


def lasting(transactions: list[Transaction]) -> list[set[str]]:
    return [each.tables for each in transactions if each.level == "FULL"]


@pytest.mark.promise("P03")
async def test_a_run_lasts_when_it_begins_has_kept_bytes_and_is_complete(
    sqlite_url: str, tmp_path: Path, heard: Heard
) -> None:
    """That it began, so that bytes without a row are looked for; what cost a download; the version."""
    statement = said("name", links=[link("path", "bytes")])
    catalog = Catalog.open(sqlite_url, locks=tmp_path / "locks")

    ledger = await catalog.begin(a_run())
    begun = heard.take()
    await ledger.save_artifacts([KeptArtifact(sha256("bytes"), 5, (Digest("sha256", sha256("bytes")),))])
    saved = heard.take()
    (number,) = await ledger.save_contents([statement])
    await ledger.note_sources([Source(number, "path", ("https://x.example/",))])
    await declare(ledger, statement)
    await ledger.remove_undeclared()
    declared = heard.take()
    await ledger.complete(fingerprint="", report={})
    completed = heard.take()
    catalog.close()

    assert len(lasting(begun)) == 1
    assert {"run", "repository"} <= lasting(begun)[0]
    assert len(saved) == len(lasting(saved)) == 1
    assert "artifact" in lasting(saved)[0]
    assert {"content", "remote_artifact", "declared"} <= {table for each in declared for table in each.tables}
    assert lasting(declared) == []
    assert [tables & {"repository_version"} for tables in lasting(completed)] == [{"repository_version"}]


@pytest.mark.promise("P03")
async def test_how_a_run_ended_lasts_and_that_it_was_swept_up_need_not(
    sqlite_url: str, tmp_path: Path, heard: Heard
) -> None:
    catalog = Catalog.open(sqlite_url, locks=tmp_path / "locks")
    ledger = await catalog.begin(a_run())
    await declare(ledger, said("name"))
    heard.take()

    await ledger.finish("failed", {})

    ended = heard.take()
    catalog.close()
    assert lasting(ended) == [{"run"}]
    assert len(ended) > 3


async def test_bytes_fetched_on_demand_last(sqlite_url: str, tmp_path: Path, heard: Heard) -> None:
    """Nothing that lasts comes after them."""
    catalog = Catalog.open(sqlite_url, locks=tmp_path / "locks")

    await catalog.keep_fetched("any", KeptArtifact(sha256("bytes"), 5), private=False)

    kept = heard.take()
    catalog.close()
    assert len(kept) == len(lasting(kept)) == 1
