"""The contract of stages holds for a good stage, and each promise of it fails on a stage that breaks it."""

from __future__ import annotations

import asyncio
import contextvars
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from entrepot.plugin import (
    Artifact,
    Content,
    DeclarativeArtifact,
    DeclarativeContent,
    Remote,
    Stage,
    Stored,
    facts,
    key,
)
from entrepot.testing.stage_contract import StageContract, mark_stored
from unit.testing.verdicts import broken_promises, promises


@attrs.frozen
class Thing(Content):
    TYPE = "test.thing"
    name: str = key()
    note: str = ""


class Good(Stage):
    """Notes something about each unit, and refuses one of ten."""

    needs = frozenset({facts.DECLARED})

    async def run(self) -> None:
        async for unit in self.items():
            if str(unit.content.name).endswith("5"):  # type: ignore[attr-defined]  # every unit is a Thing
                await self.refuse(unit, "no-five", "it ends with 5")
            else:
                await self.put_on(unit)

    async def put_on(self, unit: DeclarativeContent) -> None:
        await self.put(unit)


class Forgetful(Good):
    """Loses a unit without a word."""

    async def put_on(self, unit: DeclarativeContent) -> None:
        if not str(unit.key).endswith('3"]'):
            await self.put(unit)


class Twice(Good):
    """Puts a unit on a second time, when it is one of very many."""

    async def put_on(self, unit: DeclarativeContent) -> None:
        await self.put(unit)
        if '"999"' in unit.key:
            await self.put(unit)


class Shuffling(Stage):
    """Lets units overtake each other."""

    async def run(self) -> None:
        async for batch in self.batches(10):
            for unit in reversed(batch):
                await self.put(unit)


class Hoarding(Stage):
    """Puts nothing on before there are ten, whoever waits."""

    async def run(self) -> None:
        units: list[DeclarativeContent] = []
        async for unit in self.items():
            units.append(unit)
            if len(units) == 10:
                await self._flush(units)
        await self._flush(units)

    async def _flush(self, units: list[DeclarativeContent]) -> None:
        for unit in units:
            await self.put(unit)
        units.clear()


class Expectant(Stage):
    """Takes for granted that there is a unit."""

    async def run(self) -> None:
        seen = 0
        async for unit in self.items():
            await self.put(unit)
            seen += 1
        if not seen:
            await asyncio.Event().wait()


class Untidy(Stage):
    """Leaves a file behind when it is cancelled."""

    async def run(self) -> None:
        file = tempfile.NamedTemporaryFile(delete=False)  # noqa: SIM115  (what it does wrong)
        async for unit in self.items():
            await self.put(unit)
        os.unlink(file.name)


class Parental(Stage):
    """Lets a task, of which no context says whose it is, go on after it was cancelled."""

    async def run(self) -> None:
        child = asyncio.create_task(asyncio.Event().wait(), context=contextvars.Context())
        async for unit in self.items():
            await self.put(unit)
        child.cancel()


class Deaf(Stage):
    """Will not be cancelled while it tidies up."""

    async def run(self) -> None:
        try:
            async for unit in self.items():
                await self.put(unit)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
            raise


class Indignant(Stage):
    """Has a word to say about being cancelled."""

    async def run(self) -> None:
        try:
            async for unit in self.items():
                await self.put(unit)
        except asyncio.CancelledError as error:
            raise RuntimeError("how dare you") from error


class Worn(Stage):
    """Keeps what it saw in the first run, and takes it for repetition in the second."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    async def run(self) -> None:
        async for unit in self.items():
            if unit.key in self.seen:
                await self.refuse(unit, "once", "it was here already")
            else:
                self.seen.add(unit.key)
                await self.put(unit)


class Boastful(Good):
    """Says that it saves what it passes on."""

    gives = frozenset({facts.CONTENT_SAVED})


class Peeping(Stage):
    """Looks at bytes that it never asked for."""

    async def run(self) -> None:
        async for unit in self.items():
            match unit.d_artifacts[0].state:
                case Stored(artifact=stored):
                    unit.content = attrs.evolve(unit.content, note=str(stored.size))  # type: ignore[call-arg]  # every unit is a Thing
            await self.put(unit)


class Blocking(Good):
    """Sleeps where it should wait."""

    async def put_on(self, unit: DeclarativeContent) -> None:
        if '"7"' in unit.key:
            time.sleep(0.05)  # noqa: ASYNC251  (what it does wrong)
        await self.put(unit)


class Literal(Good):
    """Gives a fact where a set of them belongs."""

    needs: ClassVar[Any] = facts.DECLARED


class Kit(StageContract):
    """The contract, for things."""

    patience = 0.5

    def make_stage(self) -> Stage:
        return Good()

    def make_units(self, count: int) -> Sequence[DeclarativeContent]:
        return [self.make_unit(str(number)) for number in range(count)]

    def make_unit(self, name: str) -> DeclarativeContent:
        remote = Remote("https://index.example/")
        artifact = DeclarativeArtifact(Artifact("0a" * 32), f"https://index.example/{name}", name, remote)
        return mark_stored(DeclarativeContent(Thing(name), [artifact]))


class TestGood(Kit):
    """A stage as it should be."""


EVERY = "test_every_unit_goes_out_once_or_is_left_out"
MORE = "test_more_units_than_fit_go_out_once_or_are_left_out"
WAITS = "test_no_unit_is_held_back_from_who_waits"
CANCELLED = "test_a_cancelled_run_leaves_nothing"
NEIGHBOUR = "test_it_ends_when_a_neighbour_fails"
AGAIN = "test_it_can_be_run_again"

#: Each double, and the promises that it breaks; whoever loses units breaks whatever counts them.
BREAKS: dict[type[Stage], set[str]] = {
    Forgetful: {EVERY, MORE, WAITS, CANCELLED, AGAIN},
    Twice: {MORE},
    Shuffling: {"test_units_keep_their_order"},
    Hoarding: {WAITS},
    Expectant: {"test_no_units_at_all_are_no_trouble"},
    Untidy: {CANCELLED, NEIGHBOUR},
    Parental: {CANCELLED},
    Deaf: {CANCELLED, NEIGHBOUR},
    Indignant: {CANCELLED, NEIGHBOUR},
    Worn: {AGAIN, "test_what_it_does_not_need_makes_no_difference"},
    Boastful: {"test_what_it_gives_is_there"},
    Peeping: {"test_what_it_does_not_need_makes_no_difference"},
    Blocking: {"test_the_loop_turns_meanwhile"},
    Literal: {"test_its_facts_are_sets_of_names"},
}


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.__name__)
async def test_a_stage_that_breaks_a_promise_is_found_out(tmp_path: Path, broken: type[Stage]) -> None:
    """Exactly the promises that it breaks fail; every other one holds."""

    class Broken(Kit):
        longest_turn = 0.04 if broken is Blocking else Kit.longest_turn

        def make_stage(self) -> Stage:
            return broken()

    assert await broken_promises(Broken, tmp_path) == BREAKS[broken]


def test_every_promise_catches_somebody() -> None:
    """A promise that nobody can break promises nothing."""
    assert set().union(*BREAKS.values()) == set(promises(StageContract))
