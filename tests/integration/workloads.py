"""What the sweep of the failpoints lets fail: each piece of work, what it starts from, what it must come to."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiohttp
import attrs

from entrepot.catalog.catalog import database_for
from entrepot.catalog.making import REVISIONS, SCRIPTS, check, revision
from entrepot.catalog.reader import CatalogReader
from entrepot.catalog.rows import Located
from entrepot.catalog.statement import StatementCount
from entrepot.depot import Depot
from entrepot.errors import EntrepotError
from entrepot.operations.prune import prune
from entrepot.operations.repair import Repaired, repair
from entrepot.operations.sync import sync
from entrepot.settings.editing import with_repository, write
from entrepot.testing.depots import depot
from entrepot.testing.serving import served
from integration import firmware
from integration.upstream import FirmwareUpstream

#: What each number of a version must hold: bodies by name.
Bodies: TypeAlias = Mapping[str, bytes]

_LARGE: Final = b"more than waits in memory " * 4_000

#: What upstream has, state by state: one goes, one changes, one stays, two come.
STATES: Final[tuple[Bodies, ...]] = (
    {"goes": b"going", "changes": b"first" + _LARGE, "stays": b"staying", "large": _LARGE},
    {"changes": b"second" + _LARGE, "stays": b"staying", "large": _LARGE, "comes": b"coming", "too": _LARGE + b"too"},
)

_HEAD: Final = REVISIONS[-1]
_COMING: Final = f"{int(_HEAD) + 1:04}"

_STEP: Final = f"""
revision, down_revision = "{_COMING}", "{_HEAD}"

def upgrade():
    from alembic import op
    op.execute("CREATE TABLE news (id INTEGER PRIMARY KEY)")
"""

_LATER: Final = (*REVISIONS, _COMING)


@attrs.frozen(kw_only=True)
class Workload:
    """`work` is what fails, after so many of the states were synced and so many stored files `damaged`.

    In the end there are the versions that hold the states from `kept` on.
    """

    work: Callable[[Path, Mapping[str, Any]], Coroutine[Any, Any, None]]
    states: int
    synced: int
    kept: int = 0
    policy: str = "immediate"
    damaged: tuple[str, ...] = ()
    settled: Callable[[Path], None] = lambda _: None

    def publish(self, upstream: FirmwareUpstream, state: int) -> None:
        """Let upstream be in a state."""
        upstream.images.clear()
        for name, body in STATES[state].items():
            upstream.add(name, body)
        upstream.publish()

    def configured(self, url: str) -> dict[str, Any]:
        """The one repository of this depot."""
        return {"fw": {"type": "firmware", "url": url, "mirror": True, "policy": self.policy}}

    async def prepare(self, folder: Path, upstream: FirmwareUpstream) -> None:
        """Make what the work starts from, and let upstream be as the work finds it."""
        for state in range(self.synced):
            self.publish(upstream, state)
            await sync_once(folder, self.configured(upstream.url))
        self.publish(upstream, self.states - 1)
        for number, digest in enumerate(sorted(self.damaged_digests)):
            path = folder / "home" / "storage" / "sha256" / digest[:2] / digest[2:]
            path.unlink()
            if number % 2:
                path.write_bytes(b"not what the name says")

    @property
    def damaged_digests(self) -> frozenset[str]:
        """Digests of the files that the work finds missing or wrong."""
        return frozenset(hashlib.sha256(STATES[0][name]).hexdigest() for name in self.damaged)

    @property
    def versions(self) -> dict[int, Bodies]:
        """Every version that there may be."""
        return {state + 1: STATES[state] for state in range(self.states)}


def opened(folder: Path, repositories: Mapping[str, Any]) -> AbstractContextManager[Depot]:
    """The depot in a folder, made when it is not there."""
    return depot(folder, repositories, plugins=[("firmware", firmware)], installed=False)


async def sync_once(folder: Path, repositories: Mapping[str, Any]) -> None:
    """Open the depot, sync, close it: what one call of the command line does."""
    with opened(folder, repositories) as here:
        await sync(here, "fw")


async def fetch_all(folder: Path, repositories: Mapping[str, Any]) -> None:
    """Serve the depot, and fetch each path of its newest version; what is given must be right."""
    with opened(folder, repositories) as here:
        async with served(here) as address, aiohttp.ClientSession() as client:
            for name, body in STATES[0].items():
                async with client.get(f"{address}/fw/{name}.bin") as answer:
                    given = await answer.read()
                    assert answer.status >= 500 or given == body, f"{name} was served wrong"


async def prune_all(folder: Path, repositories: Mapping[str, Any]) -> None:
    """Keep the newest version alone, and what it needs."""
    with opened(folder, repositories) as here:
        await asyncio.to_thread(prune, here, keep=1)


async def repair_all(folder: Path, repositories: Mapping[str, Any]) -> None:
    """Fetch again what is missing or wrong."""
    with opened(folder, repositories) as here:
        done = Repaired()
        reasons = [one.reasons async for one in repair(here, done=done) if not one.is_whole]
    if reasons:
        raise EntrepotError(f"not all was mended: {reasons}")


async def configure(folder: Path, _: Mapping[str, Any]) -> None:
    """Add a repository to the configuration, unless it is there."""
    file = folder / "entrepot.toml"
    text = file.read_text()
    if "added" not in text:
        write(file, with_repository(text, "added", {"type": "firmware", "url": "https://x.example/"}, where="here"))


async def migrate(folder: Path, _: Mapping[str, Any]) -> None:
    """Bring the catalog to a revision that is yet to come."""
    steps = folder / "steps"
    if not steps.exists():
        shutil.copytree(SCRIPTS, steps)
        (steps / "versions" / f"{_COMING}_news.py").write_text(_STEP)
    with closing(database_for(f"sqlite:///{catalog(folder)}", folder / "locks")) as database:
        check(database, revisions=_LATER, scripts=steps)


def catalog(folder: Path) -> Path:
    """The catalog's file."""
    return folder / "home" / "catalog.sqlite"


def configuration_is_whole(folder: Path) -> None:
    """One text or the other, never a part."""
    text = (folder / "entrepot.toml").read_text()
    assert "[repositories.fw]" in text, "the configuration is not whole"
    assert text.count("x.example") in (0, 1), "the configuration is not whole"


def migration_is_whole(folder: Path) -> None:
    """The old tables or the new ones; the new ones only beside a whole copy of the old."""
    with closing(sqlite3.connect(catalog(folder))) as connection:
        (revision,) = connection.execute("SELECT version_num FROM schema_revision").fetchone()
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert ("news" in tables) == (revision == _COMING), "the migration was taken in part"
    copy = Path(f"{catalog(folder)}.before-{_HEAD}-was-migrated")
    assert copy.exists() or revision == _HEAD, "the migration has no copy to go back to"
    if copy.exists():
        with closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("SELECT version_num FROM schema_revision").fetchone() == (_HEAD,)
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


#: By name. Each sync of these is small enough that every one of its hits can be let fail.
WORKLOADS: Final[dict[str, Workload]] = {
    "first sync": Workload(work=sync_once, states=1, synced=0),
    "second sync": Workload(work=sync_once, states=2, synced=1),
    "on-demand fetch": Workload(work=fetch_all, states=1, synced=1, policy="on_demand"),
    "prune": Workload(work=prune_all, states=2, synced=2, kept=1),
    "repair": Workload(work=repair_all, states=1, synced=1, damaged=("goes", "changes", "stays", "large")),
    "configuration": Workload(work=configure, states=1, synced=1, settled=configuration_is_whole),
    "migration": Workload(work=migrate, states=1, synced=1, settled=migration_is_whole),
}


def visible(folder: Path) -> dict[int, dict[str, bytes | None]]:
    """Every version there is, with the bytes it serves; None for what is not here yet. Nothing is made or mended."""
    if not catalog(folder).exists():
        return {}
    with closing(database_for(f"sqlite:///{catalog(folder)}", folder / "locks")) as database:
        with database.open_reader() as connection:
            if revision(database, connection) is None:
                return {}
        reader = CatalogReader(database, StatementCount())
        known = [repository.name for repository in reader.repositories()]
        return {} if not known else {row.number: _bodies(folder, reader, row.number) for row in reader.versions("fw")}


def _bodies(folder: Path, reader: CatalogReader, number: int) -> dict[str, bytes | None]:
    names = [json.loads(member.key)[1] for member in reader.members("fw", number)]
    return {name: _body(folder, reader.locate("fw", number, f"{name}.bin")) for name in names}


def _body(folder: Path, at: list[Located]) -> bytes | None:
    (answer,) = at
    if answer.artifact is None:
        return None
    digest = answer.artifact.sha256.hex()
    path = folder / "home" / "storage" / "sha256" / digest[:2] / digest[2:]
    return path.read_bytes() if path.exists() else None


def stored(folder: Path, damaged: frozenset[str]) -> frozenset[str]:
    """Digests of the files under final names, each of which, but for the damaged, must have the right bytes."""
    digests = set()
    for path in folder.glob("home/storage/sha256/*/*"):
        digest = path.parent.name + path.name
        if hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            digests.add(digest)
        else:
            assert digest in damaged, "wrong bytes stand under a final name"
    return frozenset(digests)


def litter(folder: Path) -> list[str]:
    """Temporary files that nobody needs any more."""
    home = folder / "home"
    left = [*home.glob("scratch-*"), *home.glob("storage/tmp/*"), *home.glob("*.part"), *folder.glob(".entrepot*")]
    return sorted(path.name for path in left)


def foreign(error: BaseException) -> list[BaseException]:
    """What an error has in it that is none of ours."""
    if isinstance(error, BaseExceptionGroup):
        return [one for inner in error.exceptions for one in foreign(inner)]
    return [] if isinstance(error, EntrepotError) else [error]
