"""The checker of invariants finds what it is there for: each rule is broken once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from entrepot.depot import Depot
from entrepot.operations.sync import sync
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.invariants import check_depot, snapshot
from entrepot.testing.running import running
from integration.damage import root_of
from integration.opening import OpenDepot
from integration.upstream import FirmwareUpstream


@pytest.fixture
def upstream(origin: BadOrigin) -> FirmwareUpstream:
    """Two images."""
    made = FirmwareUpstream(origin)
    made.add("boot", b"image of boot")
    made.add("kernel", b"image of kernel")
    made.publish()
    return made


def configured(upstream: FirmwareUpstream) -> dict[str, Any]:
    return {"fw": {"type": "firmware", "url": upstream.url}}


def written(depot: Depot, *statements: str) -> None:
    """Change the catalog behind its back."""
    with depot.catalog._database.exclusive():
        connection = depot.catalog._database.open_writer()
        connection.execute("BEGIN")
        for statement in statements:
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.close()


def first_file(depot: Depot) -> Any:
    return next(root_of(depot.storage).glob("sha256/??/*"))


def unlink(depot: Depot) -> None:
    first_file(depot).unlink()


def flip(depot: Depot) -> None:
    path = first_file(depot)
    path.chmod(0o644)
    path.write_bytes(bytes(path.stat().st_size))


BREAKS: dict[str, Callable[[Depot], object]] = {
    "the stored file of sha256:.* is missing": unlink,
    "a final name has other bytes": flip,
    "the storage has a foreign file": lambda depot: (root_of(depot.storage) / "sha256" / "README").write_text("x"),
    "a temporary file is left": lambda depot: (root_of(depot.storage) / "tmp" / "1-2-3-4").write_text("x"),
    "has not the 3 members": lambda depot: written(depot, "UPDATE repository_version SET members = 3"),
    "has no content": lambda depot: written(depot, "DELETE FROM content"),
    "is neither held nor known": lambda depot: written(depot, "DELETE FROM remote_artifact", "DELETE FROM holding"),
    "left rows in declared$": lambda depot: written(depot, "INSERT INTO declared (run, key, content) SELECT 1, 'k', 1"),
    "is under construction": lambda depot: written(
        depot,
        "INSERT INTO repository_version (repository, number, run, members, fingerprint, report)"
        " VALUES (1, 7, 7, 0, '', '{}')",
    ),
    "has other members than it had": lambda depot: written(depot, "UPDATE membership SET content = content + 100"),
}


@pytest.mark.promise("P01", "P02")
@pytest.mark.parametrize("told", BREAKS)
async def test_each_broken_invariant_is_told(open_depot: OpenDepot, upstream: FirmwareUpstream, told: str) -> None:
    """A checker that finds nothing proves nothing."""
    with open_depot(configured(upstream), whole=False) as depot:
        await sync(depot, "fw")
        before = snapshot(depot)
        check_depot(depot, origin=upstream.origin, before=before)

        BREAKS[told](depot)

        with pytest.raises(AssertionError) as broken:
            check_depot(depot, origin=upstream.origin, before=before)
        assert any(re.search(told, line) for line in str(broken.value).splitlines()), broken.value


async def test_bytes_that_nobody_sent_are_told(open_depot: OpenDepot, upstream: FirmwareUpstream) -> None:
    """What is held was asked for: otherwise somebody else's bytes were given away."""
    with open_depot(configured(upstream), whole=False) as depot:
        await sync(depot, "fw")
        upstream.origin.requests.clear()

        with pytest.raises(AssertionError, match="was never asked for"):
            check_depot(depot, origin=upstream.origin)


async def test_a_run_under_way_is_told_unless_one_is_expected(
    open_depot: OpenDepot, upstream: FirmwareUpstream
) -> None:
    """Its lease is held and its version begun; what is visible is right all the same."""
    with open_depot(configured(upstream)) as depot:
        await sync(depot, "fw")
        async with running(depot, "fw"):
            check_depot(depot, ended=False)
            with pytest.raises(AssertionError, match="the lease of fw is held"):
                check_depot(depot)
