"""Stages of plugins that misbehave in a sync: it ends, says whose they are, and nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from entrepot.depot import Depot
from entrepot.errors import EntrepotError
from entrepot.operations.sync import sync
from entrepot.plugin import Edit, QueryExistingArtifacts, RunContext, Stage, before, hookimpl
from entrepot.testing.bad_origin import BadOrigin
from integration import firmware
from integration.opening import OpenDepot
from integration.upstream import FirmwareUpstream


class Raises(Stage):
    """Raises what it should not, in the middle of the stream."""

    async def run(self) -> None:
        async for unit in self.items():
            await self.put(unit)
            raise RuntimeError("a slip")


class RaisesEntrepotError(Stage):
    """Ends the run in the words of the house."""

    async def run(self) -> None:
        async for _ in self.items():
            raise EntrepotError("this cannot go on", remedy="do something else")


class PutsGarbage(Stage):
    """Puts on what is no unit."""

    async def run(self) -> None:
        async for _ in self.items():
            await self.put("garbage")  # type: ignore[arg-type]  # that is what is tried


class RefusesAndPutsOn(Stage):
    """Leaves units out, and lets them in."""

    async def run(self) -> None:
        async for unit in self.items():
            await self.refuse(unit, rule="size", reason="it is too large")
            await self.put(unit)


class FailsAndPutsOn(Stage):
    """Gives units up, and lets them in."""

    async def run(self) -> None:
        async for unit in self.items():
            await self.fail(unit, ValueError("no good"))
            await self.put(unit)


class PutsTwice(Stage):
    """Puts on each unit over and over."""

    async def run(self) -> None:
        async for unit in self.items():
            for _ in range(5000):
                await self.put(unit)


class Misbehaving:
    """A plugin with one of these stages, before anything is looked up."""

    def __init__(self, stage: type[Stage]) -> None:
        self._stage = stage

    @hookimpl
    def entrepot_edit_plan(self, context: RunContext) -> Sequence[Edit]:
        return [before(QueryExistingArtifacts, self._stage())]


@pytest.fixture
def any_catalog() -> None:
    """One kind will do: what stages do wrong never comes as far as a catalog."""


@pytest.fixture
def upstream(origin: BadOrigin) -> FirmwareUpstream:
    """Three images."""
    made = FirmwareUpstream(origin)
    for number in range(3):
        made.add(f"image-{number}", bytes([number]) * 100)
    made.publish()
    return made


@pytest.mark.fault("D09")
@pytest.mark.promise("P06")
@pytest.mark.parametrize("stage", [Raises, RaisesEntrepotError, PutsGarbage, RefusesAndPutsOn, FailsAndPutsOn])
async def test_a_stage_that_misbehaves_ends_the_sync_by_name(
    open_depot: OpenDepot, upstream: FirmwareUpstream, stage: type[Stage]
) -> None:
    """Stage and plugin stand in the error; without the plugin the next sync goes as if nothing had been."""
    repositories = {"fw": {"type": "firmware", "url": upstream.url, "on_error": "skip"}}
    plugins: list[tuple[str, Any]] = [("firmware", firmware), ("sloppy", Misbehaving(stage))]
    with open_depot(repositories, plugins=plugins) as depot:
        with pytest.raises(EntrepotError) as caught:
            await sync(depot, "fw")

        assert stage.__name__ in str(caught.value)
        assert "sloppy" in str(caught.value)
        assert members(depot) == []
    with open_depot(repositories) as depot:
        assert (await sync(depot, "fw")).added == 3


@pytest.mark.fault("D09")
async def test_a_stage_that_floods_the_next_changes_nothing(open_depot: OpenDepot, upstream: FirmwareUpstream) -> None:
    """It waits for room like any other, and the same unit twice is one."""
    repositories = {"fw": {"type": "firmware", "url": upstream.url, "policy": "on_demand"}}
    plugins: list[tuple[str, Any]] = [("firmware", firmware), ("sloppy", Misbehaving(PutsTwice))]
    with open_depot(repositories, plugins=plugins) as depot:
        assert (await sync(depot, "fw")).added == 3


def members(depot: Depot) -> list[int]:
    return [row.members for row in depot.catalog.reader.versions("fw")]
