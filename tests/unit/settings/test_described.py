"""What can be set, read from classes."""

from __future__ import annotations

import datetime
import enum
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from entrepot.model.remote import Secret
from entrepot.settings import structure_options
from entrepot.settings.described import about, as_toml, describe


class Order(enum.Enum):
    OLDEST = "oldest"


@attrs.frozen
class Window:
    start: datetime.time = datetime.time(3, 30)
    length: datetime.timedelta | None = None


@attrs.frozen
class Defaults:
    """Of every kind."""

    text: str = 'a "b"\n\\'
    many: tuple[str, ...] = ("b", "a")
    ratio: float = 0.5
    large: int = 2**40
    yes: bool = True
    order: Order = Order.OLDEST
    day: datetime.date = datetime.date(2026, 11, 1)
    moment: datetime.datetime = datetime.datetime(2026, 11, 1, 12, tzinfo=datetime.UTC)
    folder: Path = Path("a/b")
    age: datetime.timedelta = datetime.timedelta(hours=36)
    short: datetime.timedelta = datetime.timedelta(seconds=1.5)
    none: datetime.timedelta = datetime.timedelta()
    names: frozenset[str] = frozenset({"b", "a"})
    labels: Mapping[str, int] = attrs.field(factory=lambda: {"a b": 1})
    window: Window = Window()
    windows: tuple[Window, ...] = (Window(length=datetime.timedelta(weeks=2)),)


def test_every_default_reads_back_as_it_is() -> None:
    """Written as TOML, each is the same value again."""
    written = "\n".join(f"{option.key} = {option.default}" for option in describe(Defaults, {}))

    assert structure_options(Defaults, tomllib.loads(written), where="x.toml, t") == Defaults()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime.timedelta(days=14), '"2w"'),
        (datetime.timedelta(days=3), '"3d"'),
        (datetime.timedelta(minutes=90), '"90m"'),
        (datetime.timedelta(), '"0s"'),
        (Secret("hunter2"), '"..."'),
        (None, None),
    ],
)
def test_values_are_written_as_people_write_them(value: Any, text: str | None) -> None:
    """Spans of time in the largest unit that they are whole in; a secret never."""
    assert as_toml(value) == text


def test_what_a_class_says_of_itself_is_told() -> None:
    """By its docstring; a class without one says nothing."""
    assert about(Defaults) == "Of every kind."
    assert about(Window) == ""
