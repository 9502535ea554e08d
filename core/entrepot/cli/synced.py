"""What became of a sync, as a table and as a sentence with what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from entrepot.cli.figures import amount, counted, duration, size
from entrepot.cli.lines import CHANGES
from entrepot.cli.output import Output
from entrepot.depot import Depot

USUAL_ADDRESS = "http://127.0.0.1:8080"

_HEADS = (
    "repository",
    "version",
    "added",
    "changed",
    "removed",
    "unchanged",
    "failed",
    "refused",
    "downloaded",
    "time",
)


def table_of(output: Output, synced: Sequence[Mapping[str, Any]]) -> None:
    """A row for each sync that ended well, from the line that it ended with."""
    rows = [
        (
            line["repository"],
            line.get("version") or "-",
            *(amount(line.get(count, 0)) for count in CHANGES),
            f"{counted(line.get('downloaded', 0), 'file', 'files')}, {size(line.get('downloaded_bytes', 0))}",
            duration(line.get("seconds", 0.0)),
        )
        for line in synced
    ]
    output.table(_HEADS, rows, right=range(1, len(_HEADS)))


def told(depot: Depot, synced: Mapping[str, Any]) -> str:
    """One line: what happened, and how to use it."""
    name, number, failed = synced["repository"], synced.get("version"), synced.get("failed", 0)
    if number is None:
        latest = {row.name: row.latest for row in depot.catalog.reader.repositories()}.get(name)
        happened = f"{name}: nothing changed; the latest version is {latest}" if latest else f"{name}: nothing to hold"
        if latest and not synced.get("refused"):
            happened += _left_out(depot, name, latest)
    else:
        happened = f"{name}: made version {number}"
    if failed:
        happened += f"; {counted(failed, 'unit', 'units')} failed; try them again: entrepot sync {name} --retry-failed"
    return f"{happened}; {_how_to_use(depot, name)}"


def _left_out(depot: Depot, name: str, latest: int) -> str:
    """What a sync that kept all unseen refused nothing of, and what is left out all the same."""
    refused = depot.catalog.reader.version(name, latest).report.get("refused", 0)
    if not refused:
        return ""
    return f", whose sync left {counted(refused, 'unit', 'units')} out; one by one: entrepot why {name} ITEM"


def _how_to_use(depot: Depot, name: str) -> str:
    publisher = depot.plugins.publisher(depot.settings.repository(name).type)
    usage = publisher[1].usage if publisher else None
    serve = "serve it: entrepot serve"
    return f"{serve}, then: {usage(f'{USUAL_ADDRESS}/{name}/')}" if usage else serve
