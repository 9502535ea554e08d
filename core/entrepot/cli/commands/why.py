"""Say what became of an item, and who left it out."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from entrepot.cli.figures import amount, iso, moment
from entrepot.cli.given_up import failure_line
from entrepot.cli.invocation import Invocation
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output, one_line, visible
from entrepot.operations.why import Answer, why

if TYPE_CHECKING:
    from entrepot.catalog.rows import FailureNote, RefusalNote

_SAID = 20
_LONGEST = 600


@click.command("why", cls=Command, short_help="Say what became of an item, and who left it out.")
@name_argument()
@click.argument("item")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N; 20 for people, all for --json.")
@click.pass_obj
def command(invocation: Invocation, name: str, item: str, limit: int | None) -> int:
    """Say whether a repository has ITEM and since when, or who left it out, by which rule and until when.

    ITEM is a unit as people call it: a file name, a path, NAME@1.0, NAME==1.0, or a pattern such as
    'NAME-*.whl'. The exit code is 1 when nothing is known of it.
    """
    output = Output(invocation)
    most = limit if limit is not None or output.is_json else _SAID
    with invocation.depot() as depot:
        answers = why(depot, name, item)
        for answer in islice(answers.each, most):
            output.line(_line(name, answer))
            _say(output, name, answer)
    if most is not None and answers.count > most:
        output.say(f"and {amount(answers.count - most)} more; --limit {answers.count} shows all")
    if answers.count:
        return 0
    output.line({"event": "unknown", "repository": name, "item": item, "near": answers.near})
    _say_unknown(output, name, item, answers.near)
    return 1


def _say_unknown(output: Output, name: str, item: str, near: list[str]) -> None:
    meant = f"; did you mean {', '.join(map(one_line, near))}?" if near else ""
    output.say(f"{one_line(item)} was never seen in {name}{meant}")
    output.say("  upstream never named it to a sync that is remembered, or it was not asked for")
    output.say(f"  what is asked for: entrepot show {name} --options")


def _line(name: str, answer: Answer) -> dict[str, Any]:
    return {
        "event": "why",
        "repository": name,
        "type": answer.type,
        "key": list(answer.key),
        "state": answer.state,
        "since": answer.since,
        "changed": answer.changed,
        "removed": answer.removed,
        "scope": answer.scope,
        "refusals": [_refusal(note) for note in answer.refusals],
        "failures": [_failure(note) for note in answer.failures],
        "remarks": [dict(remark) for remark in answer.remarks],
        "earlier": answer.earlier,
    }


def _refusal(note: RefusalNote) -> dict[str, Any]:
    row = note.row._asdict()
    return {"run": note.run.id, "at": iso(note.run.started), **row, "until": iso(note.row.until)}


def _failure(note: FailureNote) -> dict[str, Any]:
    return {"run": note.run.id, "at": iso(note.run.started), **note.row._asdict()}


def _say(output: Output, name: str, answer: Answer) -> None:
    unit = one_line(f"{' '.join(map(str, answer.key))} ({answer.type})", _LONGEST)
    output.say(f"{unit} {_told(name, answer)}")
    for refusal in answer.refusals:
        for line in _refused(refusal):
            output.say(f"  {line}")
    for remark in answer.remarks:
        said = f"noted by rule {remark['rule']} of plugin {remark['plugin']}, stage {remark['stage']}:"
        output.say(f"  {one_line(said, _LONGEST)} {one_line(remark['reason'], _LONGEST)}")
    for failure in answer.failures:
        output.say(f"  run {failure.run.id}, {moment(failure.run.started)}: {failure_line(failure.row._asdict())}")
    if answer.failures:
        output.say(f"  to try it again: entrepot sync {name} --retry-failed")
    if answer.earlier:
        output.say(f"  {amount(answer.earlier)} earlier refusals and failures no longer stand")


def _told(name: str, answer: Answer) -> str:
    match answer.state:
        case "there":
            changed = f", as {name}@{answer.changed} changed it" if answer.changed else ""
            return f"is there since {name}@{answer.since}{changed}"
        case "removed":
            went = f"{name}@{answer.removed} was made without it"
            return f"was there since {name}@{answer.since}, and {went}: upstream named it no more"
        case "unnamed":
            return "is not there: it was left out once, and a later sync that read its part found it no more"
        case state:
            went = f"; it was there until {name}@{answer.removed} was made without it" if answer.removed else ""
            return f"{'is left out' if state == 'refused' else 'failed'}{went}"


def _refused(note: RefusalNote) -> list[str]:
    row = note.row
    who = f"plugin {row.plugin}{f' {row.version}' if row.version else ''}, stage {row.stage}"
    said = [
        f"refused by rule {row.rule} of {who}, in run {note.run.id}, {moment(note.run.started)}",
        f"  {visible(row.reason)}",
    ]
    if row.until is not None:
        said.append(f"  until {moment(row.until)}" if row.until > 0 else "  until the next sync, which looks again")
    if row.remedy:
        said.append(f"  to let it through: {visible(row.remedy)}")
    return [one_line(line, _LONGEST) for line in said]
