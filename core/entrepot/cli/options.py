"""Options that every command takes, before its name or after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from entrepot.cli.invocation import Invocation


def global_options(*, hidden: bool) -> list[click.Option]:
    """Make them anew for a command; read first, so that `--help` knows the configuration."""
    here = {"expose_value": False, "is_eager": True, "hidden": hidden}
    return [
        click.Option(
            ["--config"],
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            callback=_noted("config"),
            help="The configuration, instead of ./entrepot.toml (ENTREPOT_CONFIG).",
            **here,
        ),
        click.Option(
            ["--home"],
            type=click.Path(file_okay=False, path_type=Path),
            metavar="DIR",
            callback=_noted("home"),
            help="Where catalog and storage live (ENTREPOT_HOME).",
            **here,
        ),
        click.Option(["--json"], is_flag=True, callback=_noted("json"), help="Print JSON lines.", **here),
        click.Option(["--debug"], is_flag=True, callback=_noted("debug"), help="Print tracebacks.", **here),
        click.Option(
            ["--block"],
            multiple=True,
            metavar="PLUGIN",
            callback=_blocks,
            help="Leave a plugin out; may be repeated (ENTREPOT_BLOCK).",
            **here,
        ),
    ]


def _noted(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def note(context: click.Context, _: click.Parameter, value: Any) -> Any:
        if value and (invocation := context.find_object(Invocation)) is not None:
            setattr(invocation, name, value)
        return value

    return note


def _blocks(context: click.Context, _: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    if value and (invocation := context.find_object(Invocation)) is not None:
        invocation.block = (*invocation.block, *value)
    return value


class Command(click.Command):
    """A command that also takes the global options after its name, where many people type them."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.params.extend(global_options(hidden=True))
