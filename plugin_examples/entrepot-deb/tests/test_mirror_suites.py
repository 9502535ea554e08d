"""A suite is mirrored as it is signed: what its Release names, each package that is listed, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from aiohttp import ClientSession

from entrepot.testing import served, sync

Open = Callable[..., AbstractContextManager[Any]]


def paths(depot: Any, number: int = 1) -> set[str]:
    """Every path that a version has an artifact at."""
    found: set[str] = set()
    folders = [""]
    while folders:
        folder = folders.pop()
        for name in depot.catalog.reader.children("tools", number, folder):
            (folders.append if name.endswith("/") else found.add)(folder + name)
    return found


def body(depot: Any, path: str, number: int = 1) -> bytes | None:
    """What storage holds for a path; None where it holds nothing."""
    (found,) = depot.catalog.reader.locate("tools", number, path)
    if found.artifact is None:
        return None
    with depot.storage.open(found.artifact.sha256) as file:
        return bytes(file.read())


@pytest.mark.promise("P02")
@pytest.mark.parametrize("policy", ["immediate", "on_demand"])
async def test_all_that_the_archive_has_is_there_byte_for_byte(archive: Any, open_depot: Open, policy: str) -> None:
    """What clients read first is held at once, packages where the policy says so; the rest is fetched."""
    archive.add_source("hello", "1.0")
    archive.publish()

    with open_depot({"sources": True}, policy=policy) as depot:
        await sync(depot, "tools")

        assert paths(depot) == set(archive.served)
        held = {path for path in archive.served if body(depot, path) is not None}
        assert {"dists/stable/InRelease", "dists/stable/Release", "dists/stable/Release.gpg"} <= held
        pool = {path for path in archive.served if path.startswith("pool/")}
        assert held & pool == (pool if policy == "immediate" else set())
        async with served(depot) as address, ClientSession() as client:
            for path, expected in archive.served.items():
                async with client.get(f"{address}/tools/{path}") as answer:
                    assert (answer.status, await answer.read()) == (200, expected)
