"""Whose code a thread runs is found from its task, else from its stack."""

from __future__ import annotations

import asyncio
import inspect
from types import FrameType

import pytest

from entrepot.pipeline.holding import frames, holder, line_of, package_of
from entrepot.pipeline.run import Pipeline
from entrepot.pipeline.stage import Stage
from number_stages import Numbers


class Looked(Stage[int]):
    """Says on whose behalf it runs, from a call below its own."""

    def __init__(self, pipelines: list[Pipeline[int]], *, in_a_task: bool = False) -> None:
        self.pipelines, self.in_a_task = pipelines, in_a_task
        self.found: list[object] = []

    async def run(self) -> None:
        async for _ in self.items():
            self.look(asyncio.current_task() if self.in_a_task else None)

    def look(self, task: asyncio.Task[None] | None) -> None:
        self.found.append(self.pipelines[0].holder(here(), task))


def here() -> FrameType:
    """The frame of this very call, which is of no stage."""
    frame = inspect.currentframe()
    assert frame is not None
    return frame


@pytest.mark.parametrize("in_a_task", [True, False], ids=["by its task", "by its stack"])
async def test_the_stage_whose_code_runs_is_found(*, in_a_task: bool) -> None:
    """Also below calls of others; of two of one class, it is the one."""
    pipelines: list[Pipeline[int]] = []
    first, second = Looked(pipelines, in_a_task=in_a_task), Looked(pipelines, in_a_task=in_a_task)
    pipelines.append(Pipeline([Numbers([1]), first]))
    await pipelines[0].run()
    pipelines[0] = Pipeline([Numbers([1]), second])

    await pipelines[0].run()

    assert [getattr(seat, "stage", None) for seat in second.found] == [second]


async def test_code_of_no_stage_is_nobodys() -> None:
    """Neither by a task that no stage has nor by a stack without one."""
    pipeline = Pipeline([Numbers([1]), Looked([])])

    assert holder(pipeline._seats, here(), asyncio.current_task()) is None


def test_a_line_is_told_of_the_package_that_is_asked_about() -> None:
    """The innermost of its lines; where it has none on the stack, the innermost of all."""
    frame = here()
    mine = package_of(frame)

    of_mine, of_nobody = line_of(frame, mine), line_of(frame, "nobody_is_called_this")
    of_pytest = line_of(frame, "pluggy")

    assert of_mine == of_nobody
    assert of_mine.endswith(" in here")
    assert of_mine.startswith(f"{__file__}:")
    assert "pluggy" in of_pytest.rpartition(":")[0]


def test_frames_go_outwards() -> None:
    """From the one that runs to whoever called it; of none there are none."""
    names = [frame.f_code.co_name for frame in frames(here())]

    assert names[:2] == ["here", "test_frames_go_outwards"]
    assert list(frames(None)) == []
