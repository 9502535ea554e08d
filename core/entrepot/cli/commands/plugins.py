"""List plugins, those that take no part too."""

from __future__ import annotations

import click

from entrepot.cli.invocation import Invocation
from entrepot.cli.options import Command
from entrepot.cli.output import Output, one_line
from entrepot.cli.root import make_root
from entrepot.errors import PluginError


@click.command("plugins", cls=Command, short_help="List plugins, the blocked and the broken too.")
@click.pass_obj
def command(invocation: Invocation) -> None:
    """List every plugin: version, distribution, the hooks it answers; of those left out, the reason."""
    output = Output(invocation)
    plugins = invocation.plugins(even_clashing=True)
    conflicts: list[Exception] = [*plugins.conflicts]
    try:
        with invocation.loading() as begin:
            plugins.add_commands(make_root(), begin)
    except PluginError as error:
        conflicts.append(error)
    for record in plugins.records:
        output.line(record.to_json())
    heads = ("plugin", "version", "distribution", "state", "hooks, or the reason")
    cells = [
        (
            record.name,
            record.version or "-",
            record.distribution or "-",
            record.state,
            one_line(record.reason, 300) or ", ".join(hook.removeprefix("entrepot_") for hook in record.hooks),
        )
        for record in plugins.records
    ]
    output.table(heads, cells)
    if invocation.debug:
        for record in plugins.records:
            click.echo(record.traceback, err=True, nl=bool(record.traceback))
    if conflicts:
        raise ExceptionGroup("plugins claim the same things", conflicts)
