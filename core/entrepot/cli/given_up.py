"""Units that a sync gave up on, as its report has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from entrepot.cli.figures import amount
from entrepot.cli.output import Output, one_line

_LISTED = 20


def say_failures(output: Output, name: str, report: Mapping[str, Any]) -> None:
    """Say who was given up on, where and why, as far as a person wants to read it."""
    rows = report.get("failures", ())
    for row in rows[:_LISTED]:
        output.say(failure_line(row))
    more = report.get("failed", len(rows)) - len(rows[:_LISTED])
    if more > 0:
        output.say(f"and {amount(more)} more failed: entrepot trace {name} --json")


def say_refusals(output: Output, name: str, report: Mapping[str, Any]) -> None:
    """Say who left out how many units, and by which rule."""
    for row in report.get("refused_by", ()):
        version = f" {row['version']}" if row["version"] else ""
        who = f"rule {row['rule']} of plugin {row['plugin']}{version}"
        output.say(f"{amount(row['units'])} left out by {who}; one by one: entrepot why {name} ITEM")


def say_remarks(output: Output, report: Mapping[str, Any]) -> None:
    """Say what plugins let through and why, as far as a person wants to read it."""
    rows = report.get("remarks", ())
    for row in rows[:_LISTED]:
        rule = f"by rule {row['rule']} of plugin {row['plugin']}"
        output.say(f"let through: {one_line(row['key'])} {one_line(rule, 200)}: {one_line(row['reason'], 300)}")
    if len(rows) > _LISTED:
        output.say(f"and {amount(len(rows) - _LISTED)} more; --json shows them")


def failure_line(row: Mapping[str, Any]) -> str:
    """One unit, where it failed and why."""
    url = f", {row['url']}" if row["url"] else ""
    place = f"in {row['stage']} of {row['plugin']}{url}"
    return f"failed: {one_line(row['key'])} {one_line(place, 200)}: {one_line(row['error'], 300)}"
