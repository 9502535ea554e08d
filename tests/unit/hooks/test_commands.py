"""Commands that plugins add."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import pytest

from entrepot.errors import PluginError
from entrepot.hooks.specs import hookimpl
from installed_plugins import record_of, with_plugins


def adding(add: Callable[[click.Group], Any]) -> object:
    """A plugin with commands."""

    class Adding:
        @hookimpl
        def entrepot_register_commands(self, group: click.Group) -> None:
            add(group)

    return Adding()


def command(name: str) -> click.Command:
    """A command that does nothing."""
    return click.Command(name)


def root() -> click.Group:
    """The group as core hands it over."""
    return click.Group(commands=[command("sync")])


def test_commands_of_plugins_stand_beside_those_of_core() -> None:
    """A plugin decorates or adds, as with any click group."""
    group = root()

    with_plugins(
        ("a", adding(lambda group: group.add_command(command("label")))),
        ("b", adding(lambda group: group.command("scan")(lambda: None))),
    ).add_commands(group)

    assert sorted(group.commands) == ["label", "scan", "sync"]


@pytest.mark.parametrize(("name", "holder"), [("sync", "builtin"), ("label", "a")])
def test_a_command_name_belongs_to_one_plugin(name: str, holder: str) -> None:
    """The error names both, and nothing of core's is replaced."""
    group = root()
    core = group.commands["sync"]
    plugins = with_plugins(
        ("a", adding(lambda group: group.add_command(command("label")))),
        ("b", adding(lambda group: group.add_command(command(name)))),
    )

    with pytest.raises(PluginError, match=f"plugins '{holder}' and 'b' both bring a command '{name}'"):
        plugins.add_commands(group)

    assert group.commands["sync"] is core


@pytest.mark.parametrize("trouble", [ValueError("no"), SystemExit(3)])
def test_a_plugin_whose_commands_break_loses_them_alone(trouble: BaseException) -> None:
    """The reason is listed; everybody else's commands are there."""

    def add(group: click.Group) -> None:
        group.add_command(command("half"))
        raise trouble

    group = root()
    plugins = with_plugins(("a", adding(add)), ("b", adding(lambda group: group.add_command(command("scan")))))
    plugins.add_commands(group)

    assert sorted(group.commands) == ["scan", "sync"]
    assert record_of(plugins, "a").state == "active"
    assert type(trouble).__name__ in record_of(plugins, "a").reason
