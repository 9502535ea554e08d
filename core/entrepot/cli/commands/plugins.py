"""List plugins, those that take no part too."""

from __future__ import annotations

import click

from entrepot.cli.invocation import Invocation
from entrepot.cli.options import Command
from entrepot.cli.output import Output, one_line
from entrepot.cli.root import make_root
from entrepot.errors import PluginError
from entrepot.operations.plugins import Brought, brought


@click.command("plugins", cls=Command, short_help="List plugins, the blocked and the broken too.")
@click.pass_obj
def command(invocation: Invocation) -> None:
    """List every plugin: version, distribution, hooks, what it brings; of those left out, the reason.

    Stages are those that a plugin has; where they stand in a sync, `entrepot stages NAME` tells.
    """
    output = Output(invocation)
    plugins = invocation.plugins(even_clashing=True)
    conflicts: list[Exception] = [*plugins.conflicts]
    with invocation.loading() as begin:
        try:
            plugins.add_commands(make_root(), begin)
        except PluginError as error:
            conflicts.append(error)
        brings = {}
        for record in plugins.records:
            if record.state == "active":
                begin(record.name)
                brings[record.name] = brought(plugins, record.name)
    for record in plugins.records:
        output.line({**record.to_json(), **brings.get(record.name, Brought()).to_json()})
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
    for name, has in brings.items():
        if told := has.told():
            output.say(f"{name} brings {told}")
    if invocation.debug:
        for record in plugins.records:
            click.echo(record.traceback, err=True, nl=bool(record.traceback))
    if conflicts:
        raise ExceptionGroup("plugins claim the same things", conflicts)
