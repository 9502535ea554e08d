"""Show what the last sync counted."""

from __future__ import annotations

import click

from entrepot.cli.figures import amount, duration, iso, moment
from entrepot.cli.given_up import failure_line
from entrepot.cli.invocation import Invocation
from entrepot.cli.lines import failed_line
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output, one_line
from entrepot.operations.trace import RunTrace, trace
from entrepot.pipeline.trace import Trace

_LISTED = 20
_HEADS = ("stage", "plugin", "in", "out", "refused", "failed", "busy", "for input", "for room", "for others", "batch")


@click.command("trace", cls=Command, short_help="Show what the last sync counted.")
@name_argument()
@click.pass_obj
def command(invocation: Invocation, name: str) -> None:
    """Show the last sync of a repository: how it went, what each stage counted and waited for."""
    output = Output(invocation)
    with invocation.depot() as depot:
        seen = trace(depot, name)
    run = seen.run
    outcome = run.outcome or "running, or cut off"
    times = {"started": iso(run.started), "ended": iso(run.ended)}
    output.line(
        {"event": "run", "repository": name, "run": run.id, "outcome": run.outcome, "version": run.version, **times}
    )
    version = f", version {run.version}" if run.version is not None else ""
    output.say(f"{name}: {outcome}{version}, begun {moment(run.started)}")
    if "error" in run.report:
        output.say(str(run.report["error"]))
    if seen.trace is not None:
        _counts(output, seen.trace)
    _left_out(output, name, seen)


def _counts(output: Output, counted: Trace) -> None:
    for stage in counted.to_json()["stages"]:
        output.line({"event": "stage", **stage})
    cells = [
        (
            stage.stage,
            stage.plugin,
            *(amount(number) for number in (stage.units_in, stage.units_out, stage.refused, stage.failed)),
            *map(duration, (stage.busy, stage.waiting_for_input, stage.waiting_for_room, stage.waiting_for_others)),
            f"{stage.batch_mean:.0f}",
        )
        for stage in counted.stages
    ]
    output.table(_HEADS, cells, right=range(2, len(_HEADS)))
    output.line({"event": "bottleneck", "text": counted.bottleneck(), "elapsed": counted.elapsed})
    output.say(counted.bottleneck())


def _left_out(output: Output, name: str, seen: RunTrace) -> None:
    for failure in seen.failures:
        output.line(failed_line(name, failure._asdict()))
    for refusal in seen.refusals:
        output.line({"event": "refused", "repository": name, **refusal._asdict()})
    for failure in seen.failures[:_LISTED]:
        output.say(failure_line(failure._asdict()))
    for refusal in seen.refusals[:_LISTED]:
        output.say(f"refused: {one_line(refusal.key)} by {refusal.rule}: {one_line(refusal.reason, 300)}")
    more = max(0, len(seen.failures) - _LISTED) + max(0, len(seen.refusals) - _LISTED)
    if more:
        output.say(f"and {amount(more)} more; --json shows all")
