"""Show what a version holds."""

from __future__ import annotations

from itertools import islice

import click

from entrepot.cli.configurable import show_options
from entrepot.cli.figures import amount, moment
from entrepot.cli.given_up import say_failures, say_refusals, say_remarks
from entrepot.cli.invocation import Invocation
from entrepot.cli.lines import failed_line, version_line
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output, one_line
from entrepot.operations.options import options
from entrepot.operations.reference import Reference
from entrepot.operations.show import find_version, show
from entrepot.operations.statement import Shown


@click.command("show", cls=Command, short_help="Show what a version holds.")
@name_argument("reference", metavar="NAME[@VERSION]")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most N; 100 for people, all for --json.")
@click.option("--options", "configurable", is_flag=True, help="Show what can be set for NAME instead, as TOML.")
@click.pass_obj
def command(invocation: Invocation, reference: str, limit: int | None, configurable: bool) -> None:
    """Show what a version holds: NAME is the latest, NAME@7 the seventh, NAME@2026-11-01 that day's."""
    output = Output(invocation)
    if configurable:
        with invocation.depot() as depot:
            show_options(output, reference, options(depot, reference))
        return
    most = limit if limit is not None or output.is_json else 100
    with invocation.depot() as depot:
        version = find_version(depot, Reference.parse(reference))
        output.line(version_line(version))
        for failure in version.report.get("failures", ()):
            output.line(failed_line(version.repository, failure))
        for kind, rows in (("refused", "refusals"), ("remark", "remarks")):
            for row in version.report.get(rows, ()):
                output.line({"event": kind, "repository": version.repository, **row})
        output.say(
            f"{version.repository}@{version.number}, made {moment(version.completed)}, holds {amount(version.members)}"
        )
        say_refusals(output, version.repository, version.report)
        say_remarks(output, version.report)
        say_failures(output, version.repository, version.report)
        shown = 0
        for statement in islice(show(depot, version, limit=most), most):
            shown += 1
            output.line({"event": "content", **statement.to_json()})
            output.say(_told(statement))
    if shown < version.members:
        output.say(f"and {amount(version.members - shown)} more; --limit {version.members} shows all")


def _told(statement: Shown) -> str:
    key = " ".join(one_line(str(word)) for word in statement.key)
    fields = [
        f"{name}={one_line(value, 60)}"
        for name, value in statement.fields.items()
        if str(value) not in map(str, statement.key)
    ]
    return one_line(f"  {statement.type}  {key}  {' '.join(fields)}".rstrip(), 240)
