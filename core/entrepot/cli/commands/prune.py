"""Prune versions, and collect what nothing needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from entrepot.cli.figures import counted, duration, size
from entrepot.cli.invocation import Invocation
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output, note
from entrepot.operations.prune import PATIENCE, prune

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.catalog.condemning import LiveRun
    from entrepot.operations.prune import Pruned


@click.command("prune", cls=Command, short_help="Prune old versions, and free what nothing needs.")
@name_argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Keep the latest N versions of each.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=PATIENCE,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for syncs that are under way.",
)
@click.pass_obj
def command(invocation: Invocation, names: tuple[str, ...], keep: int | None, *, dry_run: bool, wait: float) -> None:
    """Prune versions of the repositories named, or of all, then free what nothing needs any more.

    Without --keep, each keeps as many versions as its keep_versions says, or all. The latest
    version always stays, and a number that is pruned is never used again. Syncs and servers may
    run meanwhile; what a sync under way may need waits for the next prune.
    """
    output = Output(invocation)
    with invocation.depot() as depot:
        pruned = prune(depot, names, keep=keep, dry_run=dry_run, patience=wait, waiting=_waiting)
    for line in pruned.to_json():
        output.line(line)
    _tell(output, pruned)


def _waiting(runs: Sequence[LiveRun]) -> None:
    for run in runs:
        note(f"waiting for the sync of {run.repository}, by {run.holder}")


def _tell(output: Output, pruned: Pruned) -> None:
    if pruned.versions:
        rows = [(name, len(numbers), _ranges(numbers)) for name, numbers in pruned.versions.items()]
        output.table(("repository", "versions", "numbers"), rows, right=(1,))
    parts = (
        counted(sum(map(len, pruned.versions.values())), "version", "versions"),
        counted(pruned.contents, "content", "contents"),
        f"{counted(pruned.artifacts, 'artifact', 'artifacts')} of {size(pruned.artifact_bytes)}",
        counted(pruned.files, "file that no row names", "files that no row names"),
    )
    went = "would go" if pruned.dry_run else "went"
    output.say(f"{', '.join(parts)} {went} ({duration(pruned.seconds)})")
    if pruned.held_up:
        output.say(f"being synced: {', '.join(pruned.held_up)}; what that may need is left; next: entrepot prune")


def _ranges(numbers: Sequence[int]) -> str:
    """Numbers in order, with runs of them drawn together."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)
