"""Bring repositories up to their upstream, and say what became of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from entrepot.cli.display import Display, JsonDisplay, PlainDisplay, watch
from entrepot.cli.failures import tell
from entrepot.cli.invocation import Invocation
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.cli.running import run
from entrepot.cli.synced import table_of, told
from entrepot.depot import Depot
from entrepot.errors import ConfigurationError
from entrepot.operations.sync import SyncOutcome, sync


@click.command("sync", cls=Command, short_help="Bring repositories up to their upstream.")
@name_argument("names", nargs=-1, metavar="[NAME]...")
@click.pass_obj
def command(invocation: Invocation, names: tuple[str, ...]) -> int:
    """Bring repositories up to their upstream, one after the other; all of them when none is named.

    A sync that fails leaves the latest version as it is, and the others go on. Exit code: 0 when
    all is done, 1 when units failed and were skipped or kept, else the gravest error's.
    """
    output = Output(invocation)
    with invocation.depot() as depot:
        wanted = _wanted(depot, names)
        outcomes, codes = run(_sync_all(depot, wanted, invocation, output))
        if outcomes:
            table_of(output, outcomes)
        for outcome in outcomes:
            output.say(told(depot, outcome))
    return max(codes)


def _wanted(depot: Depot, names: Sequence[str]) -> list[str]:
    """Look every name up before anything begins."""
    wanted = [depot.settings.repository(name).name for name in dict.fromkeys(names)] or [*depot.settings.repositories]
    if not wanted:
        raise ConfigurationError(
            "no repository is configured",
            where=str(depot.settings.file or "entrepot.toml"),
            remedy="entrepot add NAME --type TYPE --url URL",
        )
    return wanted


async def _sync_all(
    depot: Depot, names: Sequence[str], invocation: Invocation, output: Output
) -> tuple[list[SyncOutcome], list[int]]:
    outcomes, codes = [], []
    async with depot.workshop.downloads():
        for name in names:
            display = _display(depot, name, output)
            try:
                outcome = await watch(sync(depot, name, listener=display.hear), display)
            except Exception as error:
                output.line({"event": "error", "repository": name, "error": str(error)})
                codes.append(tell(error, debug=invocation.debug))
            else:
                output.line(outcome.to_json())
                outcomes.append(outcome)
                codes.append(outcome.exit_code)
    return outcomes, codes


def _display(depot: Depot, name: str, output: Output) -> Display:
    if output.is_json:
        return JsonDisplay(output, name)
    if not sys.stderr.isatty():
        return PlainDisplay(name)
    from rich.console import Console  # noqa: PLC0415  # bars are for terminals alone

    from entrepot.cli.live import LiveDisplay  # noqa: PLC0415  # the same

    expected = {row.name: row.members for row in depot.catalog.reader.repositories()}.get(name, 0)
    return LiveDisplay(name, expected=expected, console=Console(stderr=True))
