"""The root command: what there is to do, looked up by name and imported when called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import click

from entrepot.cli.invocation import Invocation
from entrepot.cli.options import global_options
from entrepot.errors import EntrepotError, UnknownName

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "init": "Make a configuration and a depot.",
        "add": "Add a repository to the configuration.",
        "sync": "Bring repositories up to their upstream.",
        "upload": "Take files of one's own into a repository.",
        "withdraw": "Take files of one's own out of a repository.",
        "status": "Show all repositories at a glance.",
        "versions": "List the versions of a repository.",
        "show": "Show what a version holds.",
        "diff": "Show how two versions differ.",
        "serve": "Serve all versions over HTTP.",
        "combine": "Put several repositories under one name.",
        "shadowed": "List what repositories of a combination hide of each other.",
        "export": "Make a tree of plain files of a version.",
        "prune": "Prune old versions, and free what nothing needs.",
        "verify": "Look for damaged, missing and foreign files.",
        "repair": "Fetch again what is damaged.",
        "plugins": "List plugins, the blocked and the broken too.",
        "why": "Say what became of an item, and who left it out.",
        "stages": "Show the plan of a repository's sync.",
        "trace": "Show what the last sync counted.",
        "doctor": "Check this machine and this depot.",
        "new-plugin": "Begin a plugin that works before a line is changed.",
    }
)

_HELP = "Mirror package repositories into immutable, numbered versions, and serve every version."
_EPILOG = (
    'Completion in the shell: put  eval "$(_ENTREPOT_COMPLETE=bash_source entrepot)"  into ~/.bashrc; '
    "zsh_source and fish_source give the same for zsh and fish."
)


class _Named(click.Command):
    """Stands for a command in listings until it is called."""

    def __init__(self, name: str, short_help: str) -> None:
        super().__init__(name, short_help=short_help)


class Root(click.Group):
    """Knows core's commands by name; plugins are asked for theirs when the list is needed."""

    def __init__(self) -> None:
        names = [_Named(name, told) for name, told in COMMANDS.items()]
        super().__init__(
            "entrepot",
            commands={command.name or "": command for command in names},
            params=[*global_options(hidden=False), _version_option()],
            help=_HELP,
            epilog=_EPILOG,
            invoke_without_command=True,
            callback=_help_when_nothing_is_asked,
        )
        self._asked_plugins = False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Core's in the order of a day's work, then those of plugins; also with a broken configuration."""
        try:
            self._ask_plugins(ctx)
        except (EntrepotError, ExceptionGroup):
            self._asked_plugins = False
        return [*COMMANDS, *sorted(self.commands.keys() - COMMANDS.keys())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one of core's, or ask the plugins."""
        if cmd_name not in COMMANDS:
            self._ask_plugins(ctx)
            return self.commands.get(cmd_name)
        if ctx.resilient_parsing or not isinstance(self.commands[cmd_name], _Named):
            return load_command(cmd_name)
        self.commands[cmd_name] = load_command(cmd_name)
        return self.commands[cmd_name]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List names and short helps, importing none of core's commands."""
        rows = [
            (name, command.get_short_help_str(limit=72))
            for name in self.list_commands(ctx)
            if not (command := self.commands[name]).hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for a misspelt one, say which was probably meant."""
        name, *rest = args
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing:
            raise UnknownName("command", name, self.list_commands(ctx), where="entrepot", remedy="entrepot --help")
        return (name if command else None), command, rest

    def _ask_plugins(self, ctx: click.Context) -> None:
        invocation = ctx.find_object(Invocation)
        if invocation is None or self._asked_plugins:
            return
        self._asked_plugins = True
        plugins = invocation.plugins()
        with invocation.loading() as begin:
            plugins.add_commands(self, begin)


def load_command(name: str) -> click.Command:
    """Import one of core's commands."""
    command: Any = importlib.import_module(f"entrepot.cli.commands.{name.replace('-', '_')}")
    loaded: click.Command = command.command
    return loaded


def make_root() -> Root:
    """The whole command line; made anew for each run, so that no two share anything."""
    return Root()


def _help_when_nothing_is_asked() -> None:
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _version_option() -> click.Option:
    return click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_print_version,
        help="Print the version and exit.",
    )


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from entrepot.hooks.discovery import installed_version  # noqa: PLC0415  # looks through what is installed

        click.echo(f"entrepot {installed_version() or '(from a folder)'}")
        context.exit()
