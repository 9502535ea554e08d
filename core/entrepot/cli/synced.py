"""What became of a sync, as a table and as a sentence with what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from entrepot.cli.figures import amount, counted, duration, size
from entrepot.cli.output import Output
from entrepot.depot import Depot
from entrepot.operations.sync import SyncOutcome

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


def table_of(output: Output, outcomes: Sequence[SyncOutcome]) -> None:
    """A row for each sync that ended well."""
    rows = [
        (
            outcome.repository,
            outcome.version.number if outcome.version else "-",
            *(amount(number) for number in _counts(outcome)),
            f"{counted(outcome.downloaded, 'file', 'files')}, {size(outcome.downloaded_bytes)}",
            duration(outcome.seconds),
        )
        for outcome in outcomes
    ]
    output.table(_HEADS, rows, right=range(1, len(_HEADS)))


def told(depot: Depot, outcome: SyncOutcome) -> str:
    """One line: what happened, and how to use it."""
    name = outcome.repository
    if outcome.version is None:
        latest = {row.name: row.latest for row in depot.catalog.reader.repositories()}.get(name)
        happened = f"{name}: nothing changed; the latest version is {latest}" if latest else f"{name}: nothing to hold"
    else:
        happened = f"{name}: made version {outcome.version.number}"
    if outcome.failed:
        happened += (
            f"; {counted(outcome.failed, 'unit', 'units')} failed; try them again: entrepot sync {name} --retry-failed"
        )
    return f"{happened}; {_how_to_use(depot, name)}"


def _how_to_use(depot: Depot, name: str) -> str:
    publisher = depot.plugins.publisher(depot.settings.repository(name).type)
    usage = publisher[1].usage if publisher else None
    serve = "serve it: entrepot serve"
    return f"{serve}, then: {usage(f'{USUAL_ADDRESS}/{name}/')}" if usage else serve


def _counts(outcome: SyncOutcome) -> tuple[int, ...]:
    return (
        outcome.added,
        outcome.changed,
        outcome.removed,
        outcome.unchanged,
        outcome.failed,
        outcome.refused,
    )
