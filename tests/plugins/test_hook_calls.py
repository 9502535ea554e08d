"""Hooks configure: what a sync asks of plugins does not grow with what it syncs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from entrepot.hooks import specs
from entrepot.plugin import (
    Content,
    DeclarativeContent,
    FirstStage,
    QueryExistingContents,
    Stage,
    after,
    facts,
    hookimpl,
    key,
)
from entrepot.testing import depot, sync

HOOKS = [name for name in vars(specs) if name.startswith("entrepot_")]
MAPPINGS = ("entrepot_register_downloaders", "entrepot_register_storages")


@attrs.frozen
class Number(Content):
    TYPE = "counting.number"
    number: int = key()


class Count(Stage):
    """Declare so many numbers."""

    gives = frozenset({facts.DECLARED})

    def __init__(self, units: int) -> None:
        self.units = units

    async def run(self) -> None:
        for number in range(self.units):
            await self.put(DeclarativeContent(Number(number)))


class PassOn(Stage):
    """Do nothing."""

    async def run(self) -> None:
        async for batch in self.batches():
            for unit in batch:
                await self.put(unit)


def counting(calls: Counter[str], **answers: Callable[[], Any]) -> ModuleType:
    """A plugin that answers every hook there is, and counts how often it is asked."""
    plugin = ModuleType("counting")

    def answer(name: str) -> Callable[[], Any]:
        def asked() -> Any:
            calls[name] += 1
            return answers.get(name, dict if name in MAPPINGS else list)()

        asked.__name__ = name
        return hookimpl(asked)

    for name in HOOKS:
        setattr(plugin, name, answer(name))
    return plugin


async def calls_of(folder: Path, units: int) -> Counter[str]:
    """Sync so many units, with ten plugins that answer every hook and bring a stage each."""
    calls: Counter[str] = Counter()
    edit: dict[str, Callable[[], Any]] = {"entrepot_edit_plan": lambda: [after(QueryExistingContents, PassOn())]}
    first: dict[str, Callable[[], Any]] = {
        "entrepot_register_content_types": lambda: [Number],
        "entrepot_register_first_stages": lambda: [FirstStage("numbers", make=lambda _: Count(units))],
    }
    plugins = [("first", counting(calls, **first)), *((f"more-{n}", counting(calls, **edit)) for n in range(10))]
    table = {"all": {"type": "numbers", "url": "https://numbers.example/"}}
    with depot(folder, table, plugins=plugins, installed=False) as opened:
        outcome = await sync(opened, "all")

    assert outcome.added == units
    return calls


async def test_hooks_are_called_as_often_for_ten_thousand_units_as_for_a_hundred(tmp_path: Path) -> None:
    """Once for each plugin and hook; commands alone are for the command line."""
    few, many = await calls_of(tmp_path / "few", 100), await calls_of(tmp_path / "many", 10_000)

    assert few == many
    assert few == {name: 11 for name in HOOKS if name != "entrepot_register_commands"}
