"""List the versions of a repository."""

from __future__ import annotations

import click

from entrepot.cli.figures import amount, moment
from entrepot.cli.invocation import Invocation
from entrepot.cli.lines import CHANGES, version_line
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.operations.versions import versions


@click.command("versions", cls=Command, short_help="List the versions of a repository.")
@name_argument()
@click.pass_obj
def command(invocation: Invocation, name: str) -> None:
    """List the versions of a repository, oldest first, with what each changed."""
    output = Output(invocation)
    with invocation.depot() as depot:
        rows = versions(depot, name)
    for row in rows:
        output.line(version_line(row))
    if not rows:
        output.say(f"{name} has no version yet; next: entrepot sync {name}")
        return
    heads = ("version", "made", "holds", *CHANGES)
    cells = [
        (row.number, moment(row.completed), amount(row.members), *(amount(row.report.get(key, 0)) for key in CHANGES))
        for row in rows
    ]
    output.table(heads, cells, right=(0, *range(2, len(heads))))
    for row in rows:
        if row.report.get("failed"):
            output.say(f"{name}@{row.number} lacks what failed: entrepot show {name}@{row.number}")
