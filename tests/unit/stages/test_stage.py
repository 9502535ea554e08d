"""What a stage may say of a unit that it leaves out."""

from __future__ import annotations

import datetime
from typing import Any

import attrs
import pytest

from entrepot.errors import StageFailed
from entrepot.plugin import Content, DeclarativeContent, Failed, InvalidMetadata, Refused, Stage, key
from entrepot.testing import run_stage


@attrs.frozen
class Image(Content):
    TYPE = "images.image"
    name: str = key()


class LeaveOut(Stage):
    """Refuses or fails whatever comes, as it is told."""

    def __init__(self, how: str, *given: Any, **named: Any) -> None:
        self.how, self.given, self.named = how, given, named

    async def run(self) -> None:
        async for unit in self.items():
            await getattr(self, self.how)(unit, *self.given, **self.named)


@pytest.mark.parametrize("until", ["tomorrow", True, datetime.date(2026, 1, 1), b"1"], ids=repr)
async def test_a_time_that_is_no_number_is_refused_where_it_is_given(until: object) -> None:
    """It would be noted, and never come; the error shows what was given and how to write it."""
    unit = DeclarativeContent(Image("one"))

    with pytest.raises(
        StageFailed, match=r"TypeError: until is in seconds since 1970.*moment\.timestamp\(\)"
    ) as raised:
        await run_stage(LeaveOut("refuse", "young", "too young", until=until), [unit])

    assert "LeaveOut" in raised.value.where
    assert repr(until)[:20] in str(raised.value)


@pytest.mark.parametrize("until", [float("nan"), float("inf")])
async def test_a_time_that_is_no_moment_is_refused_where_it_is_given(until: float) -> None:
    """What lasts for ever is said by None."""
    with pytest.raises(StageFailed, match=r"ValueError: until is .*say None"):
        await run_stage(LeaveOut("refuse", "young", "too young", until=until), [DeclarativeContent(Image("one"))])


@pytest.mark.parametrize("until", [None, 0, 1793491200, 1793491200.5])
async def test_a_moment_or_none_is_taken(until: float | None) -> None:
    """Whole seconds or not; 0 is the next sync."""
    unit = DeclarativeContent(Image("one"))

    assert await run_stage(LeaveOut("refuse", "young", "too young", until=until), [unit]) == []

    with pytest.raises(Refused, match="too young"):
        await unit.resolution()


@pytest.mark.parametrize("error", ["broken", None, InvalidMetadata], ids=repr)
async def test_a_unit_fails_with_an_error_and_nothing_else(error: object) -> None:
    """Text has no remedy, and a class says nothing: the stage's author is told, with what was given."""
    with pytest.raises(StageFailed, match="TypeError: fail takes an error, such as InvalidMetadata") as raised:
        await run_stage(LeaveOut("fail", error), [DeclarativeContent(Image("one"))])

    assert repr(error) in str(raised.value)


async def test_a_unit_that_failed_is_told_with_its_error() -> None:
    """Whoever awaits it learns why."""
    unit = DeclarativeContent(Image("one"))

    assert await run_stage(LeaveOut("fail", InvalidMetadata("no size", remedy="report it")), [unit]) == []

    with pytest.raises(Failed, match="no size"):
        await unit.resolution()
