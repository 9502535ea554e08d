"""The options of `entrepot add` that plugins bring: one for each importer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from entrepot.cli.invocation import Invocation
from entrepot.cli.options import Command, global_options
from entrepot.errors import ConfigurationError, EntrepotError, UnknownName

if TYPE_CHECKING:
    from entrepot.assembly.registrations import Importer

_PREFIX = "--from-"
_KEY = "entrepot.importers"


class ImportingCommand(Command):
    """Takes `--from-NAME` for each importer, as a keyword `from_name`.

    Plugins are asked for theirs only where one could be meant.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Learn of the options before they are read.

        Raises `UnknownName` for one that no plugin brings.
        """
        ctx.meta[_KEY] = _importers(ctx, args)
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """List core's, then those that plugins bring."""
        brought: Mapping[str, Importer] = ctx.meta.get(_KEY, {})
        return [*super().get_params(ctx), *(_option(brought[name]) for name in sorted(brought))]


def importer_of(asked: Mapping[str, str | bool | None]) -> tuple[str, str] | None:
    """Tell which importer was asked for, and with what; two are an error."""
    given = [(name.replace("_", "-").removeprefix("from-"), value) for name, value in asked.items() if value]
    if len(given) > 1:
        raise ConfigurationError(
            f"{' and '.join(_PREFIX + name for name, _ in given)} are asked for at once",
            remedy="give one of them, and add what the other reads with a command of its own",
        )
    return next(((name, value if isinstance(value, str) else "") for name, value in given), None)


def _importers(ctx: click.Context, args: list[str]) -> Mapping[str, Importer]:
    wanted = [word.partition("=")[0].removeprefix(_PREFIX) for word in args if word.startswith(_PREFIX)]
    if ctx.resilient_parsing or any(word in ctx.help_option_names for word in args):
        return _known_importers(ctx)
    if not wanted:
        return {}
    _note_global_options(ctx, args)
    known = _loaded(ctx)
    for name in wanted:
        if name not in known:
            remedy = "" if known else "install a plugin that reads it, such as entrepot-python or entrepot-deb"
            raise UnknownName("importer", name, known, where=f"{_PREFIX}{name}", remedy=remedy)
    return known


def _known_importers(ctx: click.Context) -> Mapping[str, Importer]:
    """Those there are, for help and the shell; a broken configuration offers none."""
    try:
        return _loaded(ctx)
    except (EntrepotError, ExceptionGroup):
        return {}


def _loaded(ctx: click.Context) -> Mapping[str, Importer]:
    invocation = ctx.find_object(Invocation)
    return {} if invocation is None else {name: one for name, (_, one) in invocation.plugins().importers.items()}


def _note_global_options(ctx: click.Context, args: list[str]) -> None:
    """Which plugins there are depends on options that may stand behind the name."""
    passed_over = {"ignore_unknown_options": True, "allow_extra_args": True}
    early = click.Command("add", params=list(global_options(hidden=True)), add_help_option=False)
    early.context_settings.update(passed_over)
    early.make_context("add", list(args), parent=ctx.parent)


def _option(importer: Importer) -> click.Option:
    how: dict[str, Any] = {"metavar": importer.takes} if importer.takes else {"is_flag": True}
    return click.Option([f"{_PREFIX}{importer.name}"], help=importer.told, **how)
