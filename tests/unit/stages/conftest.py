"""What tests of single stages stand on: a depot, its upstream, and units of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from entrepot.assembly.sync_run import SyncRun
from entrepot.model.artifact import Artifact
from entrepot.model.declarative import DeclarativeArtifact, DeclarativeContent
from entrepot.testing.bad_origin import BadOrigin
from entrepot.testing.depots import depot
from entrepot.testing.running import running
from integration import firmware
from integration.firmware import Firmware

MakeUnit = Callable[..., DeclarativeContent]


@pytest.fixture
async def origin() -> AsyncIterator[BadOrigin]:
    """An upstream on loopback."""
    async with BadOrigin() as running:
        yield running


@pytest.fixture
def settings() -> dict[str, Any]:
    """How the repository is configured; a test module may say otherwise."""
    return {}


@pytest.fixture
async def context(tmp_path: Path, origin: BadOrigin, settings: dict[str, Any]) -> AsyncIterator[SyncRun]:
    """A running sync of a repository with that upstream."""
    table = {"type": "firmware", "url": origin.url("/feed.json"), "retries": 0, **settings}
    with depot(tmp_path, {"fw": table}, plugins=[("firmware", firmware)], installed=False) as opened:
        async with running(opened, "fw") as run:
            yield run


@pytest.fixture
def make_unit(origin: BadOrigin, context: SyncRun) -> MakeUnit:
    """Make a unit whose bytes the upstream serves."""

    def made(name: str, body: bytes = b"bytes", *, deferred: bool = False, **digests: Any) -> DeclarativeContent:
        url = origin.put(f"/{name}.bin", body)
        where = DeclarativeArtifact(Artifact(**digests), url, f"{name}.bin", context.remote, deferred_download=deferred)
        return DeclarativeContent(Firmware(name), [where])

    return made
