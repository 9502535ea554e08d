"""What a failed stage leaves behind: one error, or several, that say where."""

from __future__ import annotations

import asyncio

import pytest

from entrepot.errors import EntrepotError, StageFailed, UpstreamError
from entrepot.pipeline.run import Pipeline, create_pipeline
from entrepot.pipeline.stage import EndStage, Stage
from number_stages import FailAt, Numbers, Sleeper, nothing_is_left_running


async def test_an_error_of_ours_keeps_its_type_and_gains_its_place() -> None:
    """Stage, plugin, unit and URL, without what is secret in it."""
    pipeline = Pipeline(
        [Numbers(range(10)), FailAt(7, UpstreamError("no answer", where="line 3")), EndStage()],
        owners=["first", "mine", "builtin"],
        describe=lambda unit: (f"number {unit}", f"https://user:secret@index.example/{unit}?token=secret"),
    )

    with pytest.raises(UpstreamError) as raised:
        await pipeline.run()

    assert raised.value.where == "stage 'FailAt' of plugin 'mine', number 7, https://index.example/7, line 3"


@pytest.mark.fault("D09")
async def test_any_other_error_becomes_one_that_names_its_place() -> None:
    """The original is its cause, so that --debug can show it."""
    cause = KeyError("colour")
    pipeline = Pipeline([Numbers(range(10)), FailAt(3, cause)], owners={"FailAt": "mine"})

    with pytest.raises(StageFailed, match="stage 'FailAt' raised KeyError") as raised:
        await pipeline.run()

    assert nothing_is_left_running()
    assert raised.value.__cause__ is cause
    assert raised.value.where == "stage 'FailAt' of plugin 'mine', unit 3"


async def test_a_failed_batch_is_named_by_its_size_and_first_unit() -> None:
    """Which of its units was wrong, only the stage could know."""

    class Fails(Stage[int]):
        async def run(self) -> None:
            async for _ in self.batches(minsize=5):
                raise UpstreamError("no answer")

    with pytest.raises(UpstreamError, match="stage 'Fails', a batch of 5 that begins with unit 40"):
        await create_pipeline([Numbers(range(40, 45)), Fails()])


async def test_a_unit_that_cannot_be_described_hides_no_error() -> None:
    """A plugin's broken repr is not what the user has to read about."""

    def broken(unit: int) -> tuple[str, str | None]:
        raise AttributeError(f"{unit} has no name")

    pipeline = Pipeline([Numbers([1]), FailAt(1, UpstreamError("no answer"))], describe=broken)

    with pytest.raises(UpstreamError, match=r"a int that cannot be described \(AttributeError\)"):
        await pipeline.run()


async def test_a_single_failure_in_a_stages_own_tasks_is_raised_by_itself() -> None:
    """A stage may use a TaskGroup without hiding the kind of its errors; no unit is named on suspicion."""

    class Workers(Stage[int]):
        async def run(self) -> None:
            async with asyncio.TaskGroup() as tasks:
                async for number in self.items():
                    tasks.create_task(self.work(number))

        async def work(self, number: int) -> None:
            if number == 2:
                raise UpstreamError("no answer")

    with pytest.raises(UpstreamError) as raised:
        await create_pipeline([Numbers(range(9)), Workers(), EndStage()])

    assert raised.value.where == "stage 'Workers'"


async def test_several_failures_are_a_group() -> None:
    """A second stage that fails while it is being cancelled is told as well."""

    class FailsWhenCancelled(Stage[int]):
        async def run(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                raise EntrepotError("cannot clean up")

    class Fails(Stage[int]):
        async def run(self) -> None:
            raise UpstreamError("no answer")

    with pytest.raises(ExceptionGroup) as raised:
        await create_pipeline([FailsWhenCancelled(), Fails()])

    assert raised.group_contains(UpstreamError, match="no answer")
    assert raised.group_contains(EntrepotError, match="stage 'FailsWhenCancelled'")


@pytest.mark.fault("D09")
@pytest.mark.promise("P23")
async def test_the_first_failure_cancels_the_others_and_is_raised() -> None:
    """Whoever stands before or after; nothing is left running."""
    before, after = Sleeper(), Sleeper()

    class Fails(Stage[int]):
        async def run(self) -> None:
            await before.began.wait()
            await after.began.wait()
            raise UpstreamError("no answer")

    with pytest.raises(UpstreamError, match="no answer"):
        await create_pipeline([before, Fails(), after, EndStage()])

    assert before.was_cancelled
    assert after.was_cancelled
    assert nothing_is_left_running()


async def test_after_a_failure_no_later_stage_takes_the_stream_for_ended() -> None:
    """What must happen only at the end of a whole stream does not happen at half of it."""
    ended = []
    reading = asyncio.Event()

    class Source(Stage[int]):
        async def run(self) -> None:
            await self.put(0)
            await reading.wait()
            await self.put(1)

    class AtTheEnd(Stage[int]):
        async def run(self) -> None:
            try:
                async for _ in self.items():
                    reading.set()
            except asyncio.CancelledError:
                async for _ in self.items():  # a stage that will not stop is not lied to either
                    pass
            ended.append(True)

    with pytest.raises(UpstreamError):
        await create_pipeline([Source(), FailAt(1, UpstreamError("no answer")), AtTheEnd()])

    assert reading.is_set()
    assert ended == []


async def test_a_stage_that_cancels_itself_has_failed() -> None:
    """Taken for the end of the stream, it would lose units without a word."""

    class Forsaken(Stage[int]):
        async def run(self) -> None:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            await future

    with pytest.raises(StageFailed, match="'Forsaken' raised CancelledError"):
        await create_pipeline([Numbers(range(10)), Forsaken(), EndStage()])
