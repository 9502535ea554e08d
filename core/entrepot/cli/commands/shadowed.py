"""List what a combination gives to nobody, since a repository of higher rank has it too."""

from __future__ import annotations

from itertools import islice

import click

from entrepot.cli.invocation import Invocation
from entrepot.cli.names import combination_names
from entrepot.cli.options import Command
from entrepot.cli.output import Output, one_line
from entrepot.operations.shadowed import shadowed


@click.command("shadowed", cls=Command, short_help="List what repositories of a combination hide of each other.")
@click.argument("name", shell_complete=combination_names)
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most N; 100 for people, all for --json.")
@click.pass_obj
def command(invocation: Invocation, name: str, limit: int | None) -> None:
    """List what several repositories of a combination have, so that only the first of them gives it.

    Among it is what somebody else put elsewhere under the name of one of your own.
    """
    output = Output(invocation)
    most = limit if limit is not None or output.is_json else 100
    with invocation.depot() as depot:
        found = shadowed(depot, name)
        rows = list(islice(found, most))
        more = most is not None and next(found, None) is not None
        members = depot.settings.combination(name).repositories
    for row in rows:
        output.line({**row.to_json(), "combination": name})
        output.say(one_line(f"  {row.path}  from {row.by}, and not from {', '.join(row.of)}", 240))
    if not rows and not more:
        output.say(f"no two of {', '.join(members)} have the same")
    elif more:
        output.say(f"and more; --limit {10 * (most or 10)} shows more of them")
