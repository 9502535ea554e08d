"""Show how two versions differ."""

from __future__ import annotations

import click

from entrepot.cli.figures import amount
from entrepot.cli.invocation import Invocation
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output, one_line
from entrepot.operations.diff import Difference, diff
from entrepot.operations.reference import Reference
from entrepot.operations.show import find_version

_SIGNS = {"added": "+", "changed": "~", "removed": "-"}


@click.command("diff", cls=Command, short_help="Show how two versions differ.")
@name_argument("old", metavar="NAME@A")
@name_argument("new", metavar="NAME@B")
@click.pass_obj
def command(invocation: Invocation, old: str, new: str) -> None:
    """Show what was added (+), changed (~, field by field) and removed (-) from one version to another."""
    output = Output(invocation)
    counts = dict.fromkeys(_SIGNS, 0)
    with invocation.depot() as depot:
        before, after = (find_version(depot, Reference.parse(text)) for text in (old, new))
        for difference in diff(depot, before, after):
            counts[difference.change] += 1
            output.line({"event": "difference", **difference.to_json()})
            _say(output, difference)
    versions = {"from": f"{before.repository}@{before.number}", "to": f"{after.repository}@{after.number}"}
    output.line({"event": "compared", **versions, **counts})
    told = ", ".join(f"{amount(number)} {change}" for change, number in counts.items())
    output.say(f"{versions['from']} to {versions['to']}: {told}")


def _say(output: Output, difference: Difference) -> None:
    subject = difference.subject
    key = " ".join(one_line(str(word)) for word in subject.key)
    output.say(f"{_SIGNS[difference.change]} {subject.type}  {key}")
    for name, (before, after) in difference.fields.items():
        output.say(f"    {name}: {one_line(before)} -> {one_line(after)}")
    if difference.change == "changed" and not difference.fields:
        output.say("    its artifacts")
