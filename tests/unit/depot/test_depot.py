"""What a depot hands to plugins of the configuration."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from entrepot.errors import ConfigurationError
from entrepot.operations.stages import stages
from entrepot.plugin import Edit, RunContext, Stage, before, hookimpl
from entrepot.testing.depots import depot
from integration import firmware


@attrs.frozen
class CooldownOptions:
    min_age: datetime.timedelta = datetime.timedelta(days=3)
    strict: bool = False


@attrs.frozen
class Cooldown(Stage):
    options: CooldownOptions

    async def run(self) -> None:
        async for unit in self.items():
            await self.put(unit)


class Plugin:
    """Puts a stage with options into every plan."""

    def __init__(self) -> None:
        self.seen: list[CooldownOptions] = []

    @hookimpl
    def entrepot_edit_plan(self, context: RunContext) -> list[Edit]:
        options = context.plugin_options("cooldown", CooldownOptions)
        self.seen.append(options)
        return [before("QueryExistingArtifacts", Cooldown(options))]


def look_at_plan(folder: Path, plugin: Plugin, said: dict[str, Any]) -> None:
    """Assemble the plan of a repository that says something to the plugin."""
    table = {"type": "firmware", "url": "https://vendor.example/feed.json", "plugins": said}
    plugins = [("firmware", firmware), ("cooldown", plugin)]
    with depot(folder, {"fw": table}, plugins=plugins, installed=False) as opened:
        stages(opened, "fw")


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({}, CooldownOptions()),
        ({"cooldown": {"min_age": "7d"}}, CooldownOptions(datetime.timedelta(days=7))),
    ],
)
def test_a_stage_plugin_gets_its_options_as_its_class(
    tmp_path: Path, said: dict[str, Any], read: CooldownOptions
) -> None:
    """Read and checked as a type's own options are; its defaults where nothing is written."""
    plugin = Plugin()

    look_at_plan(tmp_path, plugin, said)

    assert plugin.seen == [read]


def test_a_wrong_option_of_a_stage_plugin_is_told_by_its_key(tmp_path: Path) -> None:
    """As every mistake in the configuration is: file, table and key."""
    with pytest.raises(ConfigurationError, match="expected true or false, found the text 'yes'") as caught:
        look_at_plan(tmp_path, Plugin(), {"cooldown": {"strict": "yes"}})

    assert "entrepot.toml, repositories.fw.plugins.cooldown.strict" in caught.value.where


def test_several_wrong_options_are_told_together(tmp_path: Path) -> None:
    """One run shows all there is to correct, and none of it is taken for the plugin's fault."""
    with pytest.raises(ExceptionGroup) as caught:
        look_at_plan(tmp_path, Plugin(), {"cooldown": {"strict": "yes", "min_age": 7}})

    assert {type(error) for error in caught.value.exceptions} == {ConfigurationError}
