"""A database server that chooses us as the victim of somebody's dead lock, or takes no more connections."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from entrepot.catalog.faults import CatalogLocked, CatalogUnavailable
from entrepot.depot import Depot
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.depots import depot
from entrepot.testing.invariants import check_depot
from entrepot.testing.serving import served
from integration import firmware
from integration.upstream import FirmwareUpstream

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.promise("P24")]

#: More connections than any server of tests lets in.
MANY = 2000

#: After how long our session looks whether it waits in a circle. It looks once: the other must wait for us by then.
CROSSED = "3s"


@pytest.fixture
def upstream(origin: BadOrigin) -> FirmwareUpstream:
    """An upstream with one image."""
    made = FirmwareUpstream(origin)
    made.add("first", b"first")
    made.publish()
    return made


@contextmanager
def opened(tmp_path: Path, upstream: FirmwareUpstream, url: str) -> Iterator[Depot]:
    """A depot whose catalog is on the server."""
    tables: dict[str, Any] = {"fw": {"type": "firmware", "url": upstream.url, "mirror": True}}
    with depot(tmp_path / "depot", tables, plugins=[("firmware", firmware)], catalog=url, installed=False) as made:
        yield made


def session(url: str) -> psycopg.Connection[Any]:
    """Somebody else's session, in a transaction of its own."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address)


def until_blocked(other: psycopg.Connection[Any], url: str) -> None:
    """Wait until one of our sessions waits for the other's locks."""
    with closing(session(url)) as watch:
        watch.autocommit = True
        waiting = "SELECT 1 FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
        while watch.execute(waiting, [other.info.backend_pid]).fetchone() is None:
            pass


def cross(other: psycopg.Connection[Any], url: str) -> None:
    """Once we wait for the other's lock, let it want ours: the server ends who looks for a circle, and that is we."""
    until_blocked(other, url)
    other.execute("SELECT * FROM lease FOR UPDATE")
    other.rollback()


def overtake(other: psycopg.Connection[Any], url: str) -> None:
    """Once we wait for a row, let the other's change of it be committed."""
    until_blocked(other, url)
    other.commit()


@pytest.mark.fault("S03")
async def test_the_victim_of_a_dead_lock_says_so_and_the_next_sync_goes_on(
    tmp_path: Path, postgres_url: str, upstream: FirmwareUpstream
) -> None:
    """No half version, no lease that stays; what was downloaded is not downloaded again."""
    with closing(session(postgres_url)) as other:
        other.autocommit = True
        name = sql.Identifier(make_url(postgres_url).database or "")
        other.execute(sql.SQL("ALTER DATABASE {} SET deadlock_timeout = {}").format(name, CROSSED))
    with opened(tmp_path, upstream, postgres_url) as made, closing(session(postgres_url)) as other:
        other.execute("SET deadlock_timeout = '10min'")
        await sync(made, "fw")
        upstream.add("second", b"second")
        upstream.publish()
        other.execute("LOCK TABLE content IN EXCLUSIVE MODE")
        crossing = asyncio.create_task(asyncio.to_thread(cross, other, postgres_url))

        with pytest.raises(CatalogLocked, match="broke a deadlock"):
            await sync(made, "fw")
        await crossing
        assert [row.number for row in made.catalog.reader.versions("fw")] == [1]
        await sync(made, "fw")

        assert [row.number for row in made.catalog.reader.versions("fw")] == [1, 2]
        assert upstream.artifact_requests() == 2
        check_depot(made)


@pytest.mark.fault("S03")
async def test_a_server_set_to_serializable_ends_no_transaction_of_ours(
    tmp_path: Path, postgres_url: str, upstream: FirmwareUpstream
) -> None:
    """A row that somebody changes meanwhile is read again, whatever the server's own default is."""
    with closing(session(postgres_url)) as other:
        other.autocommit = True
        name = sql.Identifier(make_url(postgres_url).database or "")
        other.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_isolation = 'serializable'").format(name))
    with opened(tmp_path, upstream, postgres_url) as made, closing(session(postgres_url)) as other:
        await sync(made, "fw")
        upstream.add("second", b"second")
        upstream.publish()
        other.execute("UPDATE lease SET beat = beat")
        overtaking = asyncio.create_task(asyncio.to_thread(overtake, other, postgres_url))

        await sync(made, "fw")

        await overtaking
        assert [row.number for row in made.catalog.reader.versions("fw")] == [1, 2]
        check_depot(made)


@pytest.mark.fault("S04")
async def test_a_server_that_takes_no_more_connections_is_named_and_used_again(
    tmp_path: Path, postgres_url: str, upstream: FirmwareUpstream
) -> None:
    """A sync ends with a remedy; a client is answered, or told when to ask again; both work once there is room."""
    with opened(tmp_path, upstream, postgres_url) as made:
        await sync(made, "fw")
        async with served(made) as address, aiohttp.ClientSession() as client:
            with all_taken(postgres_url):
                with pytest.raises(CatalogUnavailable) as refused:
                    await sync(made, "fw")
                answers = await asyncio.gather(*(asked(client, f"{address}/fw/first.bin") for _ in range(10)))
            healed = await asked(client, f"{address}/fw/first.bin")
        upstream.add("second", b"second")
        upstream.publish()
        await sync(made, "fw")

        assert "no more connections" in refused.value.what
        assert "max_connections" in refused.value.remedy
        assert set(answers) <= {(200, b"first"), (503, b"5")}
        assert healed == (200, b"first")
        assert [row.number for row in made.catalog.reader.versions("fw")] == [1, 2]
        check_depot(made)


@contextmanager
def all_taken(url: str) -> Iterator[None]:
    """Hold every connection that the server gives."""
    with ExitStack() as taken:
        for _ in range(MANY):
            try:
                taken.enter_context(closing(session(url)))
            except psycopg.OperationalError:
                break
        yield


async def asked(client: aiohttp.ClientSession, url: str) -> tuple[int, bytes]:
    """The status, and the body or when to ask again; where the server's own server is, nobody is told."""
    async with client.get(url) as answer:
        body = await answer.read()
        if answer.status == 200:
            return answer.status, body
        assert b"/" not in body
        return answer.status, answer.headers["Retry-After"].encode()
