"""What every stage must honour; subclass it in a test module, and run it with pytest.

>>> class TestMyStage(StageContract):
...     def make_stage(self) -> Stage:
...         return MyStage()
...
...     def make_units(self, count: int) -> Sequence[DeclarativeContent]:
...         return [DeclarativeContent(MyContent(name=str(number))) for number in range(count)]
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
import pytest

from entrepot.model import facts
from entrepot.model.artifact import StoredArtifact
from entrepot.model.declarative import DECLARED, DeclarativeContent, Declared, Fetched, Stored
from entrepot.pipeline.run import Pipeline, create_pipeline
from entrepot.stages.stage import Stage
from entrepot.testing.neighbours import (
    Census,
    Sink,
    Source,
    Trouble,
    cancelled_after,
    longest_turn,
    temporary_files_in,
)

__all__ = ["StageBench", "StageContract", "mark_stored"]

#: Rooms between stages: from the least to the default.
MAXSIZES = (1, 2, 7, 1000)

#: Turns of the loop after which a run is cancelled.
TURNS = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55)

_FEW: Final = 30

_ABOUT_BYTES = frozenset({facts.ARTIFACTS_QUERIED, facts.DOWNLOADED, facts.ARTIFACTS_SAVED})
_ABOUT_ROWS = frozenset({facts.CONTENTS_QUERIED, facts.CONTENT_SAVED, facts.REMOTES_SAVED, facts.ASSOCIATED})


def mark_stored(unit: DeclarativeContent, size: int = 7) -> DeclarativeContent:
    """Let a unit's artifacts look as if storage held them; a size that is declared holds."""
    for artifact in unit.d_artifacts:
        declared = artifact.artifact
        sha256 = bytes.fromhex(declared.sha256) if declared.sha256 else bytes(32)
        artifact.state = Stored(StoredArtifact(sha256, size if declared.size is None else declared.size))
    return unit


def _is_downloaded(unit: DeclarativeContent) -> bool:
    return all(one.deferred_download or not isinstance(one.state, Declared) for one in unit.d_artifacts)


def _is_kept(unit: DeclarativeContent) -> bool:
    return _is_downloaded(unit) and not any(isinstance(one.state, Fetched) for one in unit.d_artifacts)


#: What a unit shows of a fact; of other facts it shows nothing.
SIGNS: Mapping[str, Callable[[DeclarativeContent], bool]] = {
    facts.DOWNLOADED: _is_downloaded,
    facts.ARTIFACTS_SAVED: _is_kept,
    facts.CONTENT_SAVED: lambda unit: unit.content_id is not None,
}


@attrs.frozen
class StageBench:
    """Where a stage is tried: the context of its run, and the folder its temporary files go to."""

    context: object
    folder: Path

    @property
    def litter(self) -> list[Path]:
        """What was left behind."""
        return list(self.folder.iterdir())


class StageContract:
    """The promises of a stage, one a test. Write `make_stage` and `make_units`.

    A stage that needs a depot says in `open_context` what it gets as `self.context`; units are made
    after that. What a stage needs by its facts, the units of `make_units` must have.
    """

    #: False for a stage that lets units overtake each other.
    keeps_order: ClassVar[bool] = True
    #: True for a stage that puts on units of its own beside those that came in.
    adds_units: ClassVar[bool] = False
    #: More units than the default room holds, and than any batch.
    many: ClassVar[int] = 1100
    #: Seconds within which whatever must end has to end.
    patience: ClassVar[float] = 5.0
    #: Seconds for which the stage may keep the loop to itself.
    longest_turn: ClassVar[float] = 0.1

    def make_stage(self) -> Stage:
        """Make the stage under test."""
        raise TypeError("a contract needs a stage: write make_stage(self)")

    def make_units(self, count: int) -> Sequence[DeclarativeContent]:
        """Make new units that say the same every time, with different keys."""
        raise TypeError(f"a contract needs units: write make_units(self, count), here for {count}")

    @asynccontextmanager
    async def open_context(self, folder: Path) -> AsyncIterator[object]:  # noqa: ARG002  # for who overrides it
        """Yield what the stage gets as `self.context`; without it, the stage runs without a depot."""
        yield None

    def check_given(self, fact: str, unit: DeclarativeContent) -> bool | None:
        """Whether a unit that came out shows a fact; None when units do not show it."""
        sign = SIGNS.get(fact)
        return sign(unit) if sign is not None else None

    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[StageBench]:
        """Everything a test needs, closed afterwards."""
        async with self.make_bench(tmp_path) as bench:
            yield bench

    @asynccontextmanager
    async def make_bench(self, folder: Path) -> AsyncIterator[StageBench]:
        """Open the context below a folder."""
        temporary = folder / "temporary"
        temporary.mkdir()
        async with self.open_context(folder) as context:
            with temporary_files_in(temporary):
                yield StageBench(context, temporary)

    async def passed(
        self, bench: StageBench, units: Iterable[DeclarativeContent], *, stage: Stage | None = None, maxsize: int = 1000
    ) -> list[DeclarativeContent]:
        """Put units through the stage and return what it put on; fails when that takes too long."""
        sink = Sink()
        line = [Source(units), stage or self.make_stage(), sink]
        async with asyncio.timeout(self.patience):
            await create_pipeline(line, maxsize, context=bench.context)
        return sink.units

    def account_for(self, units: Sequence[DeclarativeContent], out: Sequence[DeclarativeContent]) -> None:
        """Fail unless each unit went out once, or was left out."""
        times = Counter(id(unit) for unit in out)
        for unit in units:
            left_out = unit.outcome is not None
            assert times.pop(id(unit), 0) == (0 if left_out else 1), f"{unit!r}, left out: {left_out}"
        assert self.adds_units or not times, "units came out that never went in"

    @pytest.mark.parametrize("maxsize", MAXSIZES)
    async def test_every_unit_goes_out_once_or_is_left_out(self, bench: StageBench, maxsize: int) -> None:
        """With room for one unit or for many; left out means refused or failed, not forgotten."""
        units = self.make_units(_FEW)

        self.account_for(units, await self.passed(bench, units, maxsize=maxsize))

    async def test_more_units_than_fit_go_out_once_or_are_left_out(self, bench: StageBench) -> None:
        """Over several batches, and when there is room again."""
        units = self.make_units(self.many)

        self.account_for(units, await self.passed(bench, units))

    async def test_units_keep_their_order(self, bench: StageBench) -> None:
        """Unless the stage says that it does not."""
        if not self.keeps_order:
            pytest.skip("this stage lets units overtake each other")
        units = self.make_units(_FEW)
        places = {id(unit): place for place, unit in enumerate(units)}

        out = await self.passed(bench, units)

        order = [places[id(unit)] for unit in out if id(unit) in places]
        assert order == sorted(order)

    async def test_no_units_at_all_are_no_trouble(self, bench: StageBench) -> None:
        """It ends when its input ends, though nothing ever came."""
        out = await self.passed(bench, self.make_units(0))

        assert self.adds_units or out == []

    async def test_no_unit_is_held_back_from_who_waits(self, bench: StageBench) -> None:
        """An earlier stage may await each unit before it puts on the next."""
        units, sink = self.make_units(_FEW), Sink()
        line = [Source(units, asking=True), self.make_stage(), sink]

        async with asyncio.timeout(self.patience):
            await create_pipeline(line, context=bench.context)

        self.account_for(units, sink.units)

    @pytest.mark.parametrize("turns", TURNS)
    async def test_a_cancelled_run_leaves_nothing(self, bench: StageBench, turns: int) -> None:
        """No task and no file, whenever it is cancelled; the next run is not disturbed."""
        census, units = Census(), self.make_units(_FEW)

        with census.taken():
            assert await cancelled_after(turns, self.passed(bench, units, maxsize=2), patience=self.patience)

        assert await census.ended(self.patience / 5)
        assert bench.litter == []
        again = self.make_units(_FEW)
        self.account_for(again, await self.passed(bench, again))

    @pytest.mark.parametrize("where", ["before", "after"])
    async def test_it_ends_when_a_neighbour_fails(self, bench: StageBench, where: str) -> None:
        """In time, and without a word of its own: what is told is the neighbour's trouble."""
        units = self.make_units(_FEW)
        before = Source(units, fail_after=3 if where == "before" else -1)
        line = [before, self.make_stage(), Sink(fail_after=3 if where == "after" else None)]
        pipeline: Pipeline[Any] = Pipeline(line, 2, context=bench.context, grace=self.patience / 5)

        with pytest.raises(Trouble):
            await pipeline.run()

        assert bench.litter == []

    async def test_it_can_be_run_again(self, bench: StageBench) -> None:
        """The second run is like the first: nothing of that one is left in the stage."""
        stage, first, second = self.make_stage(), self.make_units(_FEW), self.make_units(_FEW)

        await self.passed(bench, first, stage=stage)
        self.account_for(second, await self.passed(bench, second, stage=stage))

        assert told(second) == told(first)

    async def test_what_it_gives_is_there(self, bench: StageBench) -> None:
        """Later stages rely on it, for every unit that comes out."""
        stage = self.make_stage()
        out = await self.passed(bench, self.make_units(_FEW), stage=stage)

        answers = {(fact, repr(unit)): self.check_given(fact, unit) for fact in stage.gives for unit in out}

        assert [said for said, answer in answers.items() if answer is False] == []
        if set(answers.values()) <= {None}:
            pytest.skip("units show nothing of what this stage gives: write check_given(self, fact, unit)")

    async def test_what_it_does_not_need_makes_no_difference(self, bench: StageBench) -> None:
        """A stage that looks at bytes or rows without saying so depends on where it stands by chance."""
        stage = self.make_stage()
        concerns = frozenset({*stage.needs, *stage.gives})
        bare, rich = self.make_units(_FEW), self.make_units(_FEW)
        for one, other in zip(bare, rich, strict=True):
            _make_unlike(one, other, concerns)

        await self.passed(bench, bare, stage=stage)
        await self.passed(bench, rich, stage=stage)

        assert told(bare) == told(rich)

    def test_its_facts_are_sets_of_names(self) -> None:
        """A fact alone, taken for a set, would be a set of letters."""
        stage = self.make_stage()

        assert isinstance(stage, Stage)
        for facts_of in (stage.needs, stage.gives, stage.precedes, stage.spoils):
            assert isinstance(facts_of, frozenset | set)
            assert all(isinstance(fact, str) for fact in facts_of)

    async def test_the_loop_turns_meanwhile(self, bench: StageBench) -> None:
        """Whatever takes long is done beside the loop; what is told is the best of three."""
        turns = []
        for _ in range(3):
            turns.append(await longest_turn(self.passed(bench, self.make_units(_FEW))))
            if turns[-1] <= self.longest_turn:
                break

        assert min(turns) <= self.longest_turn


def told(units: Iterable[DeclarativeContent]) -> list[tuple[object, object]]:
    """What is said of units in the end: their contents, or why they were left out."""
    return [(unit.content, (type(unit.outcome), getattr(unit.outcome, "rule", None))) for unit in units]


def _make_unlike(bare: DeclarativeContent, rich: DeclarativeContent, concerns: frozenset[str]) -> None:
    """Let two equal units differ in all that is none of the stage's concern."""
    if not concerns & _ABOUT_BYTES:
        for artifact in bare.d_artifacts:
            artifact.state = DECLARED
        mark_stored(rich)
    if not concerns & _ABOUT_ROWS:
        rich.found(1)
