"""Units that a sync gave up on, as its report has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from entrepot.cli.figures import amount
from entrepot.cli.output import Output, one_line

_LISTED = 20


def say_failures(output: Output, name: str, report: Mapping[str, Any]) -> None:
    """Say who was given up on, where and why, as far as a person wants to read it."""
    rows = report.get("failures", ())
    for line in _lines(rows[:_LISTED]):
        output.say(line)
    more = report.get("failed", len(rows)) - len(rows[:_LISTED])
    if more > 0:
        output.say(f"and {amount(more)} more failed: entrepot trace {name} --json")


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        url = f", {row['url']}" if row["url"] else ""
        place = f"in {row['stage']} of {row['plugin']}{url}"
        yield f"failed: {one_line(row['key'])} {one_line(place, 200)}: {one_line(row['error'], 300)}"
