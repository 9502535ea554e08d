"""Show all repositories at a glance."""

from __future__ import annotations

import click

from entrepot.cli.figures import amount, iso, moment
from entrepot.cli.invocation import Invocation
from entrepot.cli.lines import combined_line
from entrepot.cli.options import Command
from entrepot.cli.output import Output, one_line
from entrepot.operations.shadowed import count_at_a_glance
from entrepot.operations.status import RepositoryStatus, status

_LAST_RUN = {"running": "running, or cut off"}


@click.command("status", cls=Command, short_help="Show all repositories at a glance.")
@click.pass_obj
def command(invocation: Invocation) -> None:
    """Show every repository: its latest version, what it holds, and how its last sync went."""
    output = Output(invocation)
    with invocation.depot() as depot:
        rows = status(depot)
        combined = [(each, count_at_a_glance(depot, each.name)) for each in depot.settings.combined.values()]
    for row in rows:
        times = {"completed": iso(row.completed), "last_run_at": iso(row.last_run_at)}
        output.line({**row.to_json(), **times})
    for each, count in combined:
        output.line(combined_line(each, count))
    if not rows:
        output.say("no repository is configured; next: entrepot add NAME --type TYPE --url URL")
        return
    heads = ("repository", "type", "latest", "made", "holds", "versions", "last sync", "at")
    output.table(heads, [_cells(row) for row in rows], right=(2, 4, 5))
    for row in rows:
        if row.error:
            output.say(f"{row.name}: {one_line(row.error.splitlines()[0], 300)}; more: entrepot trace {row.name}")
    for each, count in combined:
        order = ", then ".join(each.repositories)
        hidden = f"; {count} had from one though others have them: entrepot shadowed {each.name}" if count else ""
        output.say(f"{each.name}: served from {order}{hidden}")


def _cells(row: RepositoryStatus) -> tuple[object, ...]:
    last_run = _LAST_RUN.get(row.last_run or "", row.last_run or "never")
    return (
        row.name if row.configured else f"{row.name} (not configured)",
        row.type + (", private" if row.private else ""),
        row.latest if row.latest is not None else "-",
        moment(row.completed),
        amount(row.members),
        amount(row.versions),
        f"{last_run}, {row.failed} failed" if row.failed else last_run,
        moment(row.last_run_at),
    )
