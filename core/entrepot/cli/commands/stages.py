"""Show the plan of a repository's sync."""

from __future__ import annotations

import click

from entrepot.cli.invocation import Invocation
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.operations.stages import Part, parts, plan_of


@click.command("stages", cls=Command, short_help="Show the plan of a repository's sync.")
@name_argument()
@click.pass_obj
def command(invocation: Invocation, name: str) -> None:
    """Show the stages of a repository's sync in order, as it would run now, and who changed what."""
    output = Output(invocation)
    with invocation.depot() as depot:
        plan = plan_of(depot, name)
    rows = plan.rows()
    for row in rows:
        output.line(row)
    cells = [
        (
            place,
            row["stage"],
            row["plugin"],
            ", ".join(row["needs"]) or "-",
            ", ".join(row["gives"]) or "-",
            ", ".join(row["edited_by"]) or "-",
        )
        for place, row in enumerate(rows, 1)
    ]
    output.table(("", "stage", "plugin", "needs", "gives", "edited by"), cells, right=(0,))
    for part in parts(plan):
        output.say(_told(part))


def _told(part: Part) -> str:
    said = [
        f"{', '.join(stages)} {what}"
        for stages, what in (
            (part.brought, "would be gone"),
            (part.out, "would be back"),
            (part.changed, "would be as before"),
        )
        if stages
    ]
    return f"with --block {part.plugin}: {'; '.join(said)}"
