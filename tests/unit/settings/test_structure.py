"""Tables checked against the attrs classes of plugins."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest

from entrepot.errors import ConfigurationError, PluginError
from entrepot.model.remote import Secret
from entrepot.settings import structure_options

WHERE = "entrepot.toml, repositories.tools.options"


class Order(enum.Enum):
    OLDEST = "oldest"
    NEWEST = "newest"


@attrs.frozen
class Window:
    start: datetime.time
    length: datetime.timedelta = datetime.timedelta(hours=1)


@attrs.frozen
class Options:
    include: tuple[str, ...] = ()
    level: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    ratio: float = 1.0
    both: str | int = "x"
    kind: Literal["wheel", "sdist"] = "wheel"
    order: Order = Order.OLDEST
    since: datetime.date | None = None
    folder: Path | None = None
    labels: Mapping[str, int] = attrs.field(factory=dict)
    names: frozenset[str] = frozenset()
    pair: tuple[int, str] = (1, "a")
    steps: Sequence[int] = ()
    windows: list[Window] = attrs.field(factory=list)
    token: Secret | None = None
    anything: Any = None


def options(raw: Mapping[str, Any], **environ: str) -> Options:
    """Structure a table as the depot does."""
    return structure_options(Options, raw, where=WHERE, environ=environ)


def test_every_kind_of_value_that_toml_has_fits_a_class() -> None:
    """Text, numbers, dates, lists, tables, choices, and secrets from the environment."""
    made = options(
        {
            "include": ["a", "b"],
            "level": 3,
            "ratio": 2,
            "both": 5,
            "kind": "sdist",
            "order": "newest",
            "since": datetime.date(2026, 11, 1),
            "folder": "x/y",
            "labels": {"a": 1},
            "names": ["n"],
            "pair": [2, "b"],
            "steps": [1, 2],
            "windows": [{"start": datetime.time(3, 0), "length": "90m"}],
            "token": {"env": "TOKEN"},
            "anything": {"goes": [1, "x"]},
        },
        TOKEN="hunter2",
    )

    assert made == Options(
        include=("a", "b"),
        level=3,
        ratio=2.0,
        both=5,
        kind="sdist",
        order=Order.NEWEST,
        since=datetime.date(2026, 11, 1),
        folder=Path("x/y"),
        labels={"a": 1},
        names=frozenset({"n"}),
        pair=(2, "b"),
        steps=(1, 2),
        windows=[Window(datetime.time(3, 0), datetime.timedelta(minutes=90))],
        token=Secret("hunter2"),
        anything={"goes": [1, "x"]},
    )


def test_an_empty_table_gives_the_defaults() -> None:
    """A type without required options needs none written."""
    assert options({}) == Options()


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "an unknown key": ({"inclde": []}, "no key 'inclde' here; did you mean 'include'?", ""),
    "text for a list": ({"include": "pluggy"}, "expected a list of text, found the text 'pluggy'", ".include"),
    "an item": ({"include": ["a", 5]}, "expected text, found the number 5", ".include[1]"),
    "a value in a table": ({"labels": {"a": "b"}}, "expected a whole number, found the text 'b'", ".labels.a"),
    "a list for a table": ({"labels": []}, "expected a table, found a list", ".labels"),
    "a choice": ({"kind": "whel"}, "one of 'wheel', 'sdist', found the text 'whel'; did you mean 'wheel'?", ".kind"),
    "a member": ({"order": "newst"}, "did you mean 'newest'?", ".order"),
    "a validator": ({"level": 0}, "'level' must be >= 1: 0", ""),
    "deep down": ({"windows": [{}]}, "'start' is missing; it takes a time of day", ".windows[0]"),
    "a duration": (
        {"windows": [{"start": datetime.time(1), "length": 7}]},
        "expected a duration such as '7d', found the number 7",
        ".windows[0].length",
    ),
    "a date": ({"since": "2026-11-01"}, "expected a date, found the text '2026-11-01'", ".since"),
    "too few": ({"pair": [1]}, "expected a list of 2, found a list", ".pair"),
    "a secret written out": ({"token": "hunter2"}, "a secret stands in the configuration itself", ".token"),
    "a secret that is not there": ({"token": {"env": "NOPE"}}, "variable 'NOPE' is not set", ".token"),
}


@pytest.mark.parametrize(("raw", "what", "where"), WRONG.values(), ids=WRONG.keys())
def test_an_option_that_does_not_fit_is_told_with_its_key(raw: dict[str, Any], what: str, where: str) -> None:
    """Nothing is turned into text, split into letters or passed over."""
    with pytest.raises(ConfigurationError) as caught:
        options(raw)

    assert what in caught.value.what
    assert caught.value.where == WHERE + where
    assert caught.value.remedy


def test_several_mistakes_are_told_together() -> None:
    """One run shows them all."""
    with pytest.raises(ExceptionGroup) as caught:
        options({"include": "x", "level": "y", "z": 1})

    assert len(caught.value.exceptions) == 3


def test_a_type_without_options_takes_none() -> None:
    """An option for it is as wrong as an unknown one."""
    assert structure_options(None, {}, where=WHERE) is None
    with pytest.raises(ConfigurationError, match="no key 'x' here"):
        structure_options(None, {"x": 1}, where=WHERE)


def test_a_class_that_no_table_can_fill_is_the_plugin_s_mistake() -> None:
    """The operator is not sent to look for it in the configuration."""

    @attrs.frozen
    class Odd:
        when: complex = 0j

    with pytest.raises(PluginError, match=r"'.*Odd' has a field that no table can fill"):
        structure_options(Odd, {"when": 1}, where=WHERE)


@attrs.frozen
class Choice:
    either: datetime.date | str = "x"
    number: int | float = 1
    window: Window | str = "none"
    some: str | list[str] = "x"
    windows: tuple[Window, ...] = ()
    pace: tuple[datetime.timedelta, ...] = ()


def test_a_choice_of_types_takes_each_of_them() -> None:
    """The type that the value is of goes first, so that nothing is turned into another."""
    made = structure_options(Choice, {"either": "y", "number": 2, "window": {"start": datetime.time(1)}}, where=WHERE)

    assert made == Choice("y", 2, Window(datetime.time(1)))
    assert type(made.number) is int
    assert structure_options(Choice, {"some": ["a"], "number": 0.5}, where=WHERE) == Choice(some=["a"], number=0.5)


@pytest.mark.parametrize(
    ("raw", "what", "where", "remedy"),
    [
        ({"either": 3}, "expected a date or text, found the number 3", ".either", "write either = 2026-11-01"),
        ({"number": "x"}, "expected a whole number or a number, found the text 'x'", ".number", "write number = 10"),
        ({"window": 3}, "expected a table or text, found the number 3", ".window", "write window = { ... }"),
        ({"window": {"start": 3}}, "expected a time of day, found the number 3", ".window.start", "write start ="),
        ({"some": [1]}, "expected text, found the number 1", ".some[0]", 'write "..." there'),
        ({"windows": {}}, "expected a list of tables, found a table", ".windows", "write windows = [{ ... }]"),
        ({"pace": ["7"]}, "expected a duration such as '7d', found the text '7'", ".pace[0]", 'write "7d" there'),
    ],
)
def test_what_fits_none_of_several_types_is_told_with_all_of_them(
    raw: dict[str, Any], what: str, where: str, remedy: str
) -> None:
    """And a table or list that can only be meant for one of them with what is wrong in it."""
    with pytest.raises(ConfigurationError) as caught:
        structure_options(Choice, raw, where=WHERE)

    assert (caught.value.what, caught.value.where) == (what, WHERE + where)
    assert caught.value.remedy.startswith(remedy)


class Plain:
    """A class that is no attrs class."""


@attrs.frozen
class Computed:
    inner: int = attrs.field(default=1, init=False)
    ratio: float = attrs.field(factory=lambda: 1 / 0)


@pytest.mark.parametrize(("cls", "what"), [(Plain, "no attrs class"), (Computed, "ZeroDivisionError")])
def test_a_class_that_cannot_be_made_is_the_plugin_s_mistake(cls: type[Any], what: str) -> None:
    """Nobody who writes a configuration can mend it."""
    with pytest.raises(PluginError, match=what) as caught:
        structure_options(cls, {}, where=WHERE)

    assert "--block" in caught.value.remedy


def test_a_field_that_is_computed_is_no_key() -> None:
    """It is neither taken nor suggested."""
    with pytest.raises(ConfigurationError) as caught:
        structure_options(Computed, {"inner": 2, "ratio": 1.0}, where=WHERE)

    assert caught.value.what == "there is no key 'inner' here"
    assert caught.value.remedy.endswith("keys here are: ratio")
