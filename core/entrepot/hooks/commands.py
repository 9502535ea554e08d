"""Whose commands are whose: a name belongs to one plugin."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from entrepot.errors import PluginError
from entrepot.hooks.claims import place_of
from entrepot.hooks.record import BUILTIN

if TYPE_CHECKING:
    import click


class Commands:
    """Watches a group while plugins add to it."""

    def __init__(self, group: click.Group, brought_by: Mapping[str, str]) -> None:
        self._group, self._brought_by = group, brought_by
        self._owners = dict.fromkeys(group.commands, BUILTIN)

    @contextlib.contextmanager
    def of(self, plugin: str) -> Iterator[None]:
        """Lay what is added meanwhile at one plugin's door; taken back whole when anything is wrong."""
        before = dict(self._group.commands)
        try:
            yield
            self._claim(plugin, before)
        except BaseException:
            self._group.commands = before
            raise

    def _claim(self, plugin: str, before: dict[str, click.Command]) -> None:
        for name, command in self._group.commands.items():
            if name in before and command is not before[name]:
                raise PluginError(
                    f"plugins {self._owners[name]!r} and {plugin!r} both bring a command {name!r}",
                    where=place_of("entrepot_register_commands", self._owners[name], plugin, self._brought_by),
                    remedy=f"leave one of them out: entrepot --block {plugin} ..., or uninstall it",
                )
            if name not in before:
                self._owners[name] = plugin
