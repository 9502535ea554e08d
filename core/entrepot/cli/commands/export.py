"""Make a tree of plain files of a version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from entrepot.cli.figures import counted, size
from entrepot.cli.invocation import Invocation
from entrepot.cli.loop_watch import LoopWatch
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.cli.running import bounded_end, run
from entrepot.operations.export import export
from entrepot.operations.reference import Reference

if TYPE_CHECKING:
    from entrepot.operations.export import Exported, Missing


@click.command("export", cls=Command, short_help="Make a tree of plain files of a version.")
@name_argument("reference", metavar="NAME[@N]")
@click.option("--static", "directory", required=True, metavar="DIR", type=click.Path(path_type=Path), help="Where to.")
@click.option("--copy", is_flag=True, help="Copy files of the depot, rather than give them a further name.")
@click.option(
    "--missing",
    type=click.Choice(["fetch", "skip", "fail"]),
    default="fetch",
    show_default=True,
    help="What becomes of files that were never fetched.",
)
@click.pass_obj
def command(invocation: Invocation, reference: str, *, directory: Path, copy: bool, missing: Missing) -> None:
    """Make a tree of plain files of a version, which any web server or rsync can serve.

    DIR is a symbolic link to a tree beside it; another export into it replaces that at one stroke,
    and one that fails or is killed leaves it as it was. Files are hard links to those of the depot
    where both are on one file system: never change one in place, or use --copy. Whoever may read
    DIR can read all of it, also where the repository is private.
    """
    output, wanted = Output(invocation), Reference.parse(reference)
    with bounded_end() as limit, invocation.depot() as depot:
        watch = LoopWatch(depot.plugins, depot.settings.loop_timeout)
        done = run(export(depot, wanted, directory, missing=missing, copy=copy), watch, limit)
    output.line(done.to_json())
    output.say(_told(done))


def _told(done: Exported) -> str:
    told = f"{done.repository}@{done.version} is in {done.directory}: {counted(done.files, 'file', 'files')}"
    told += f" of {size(done.octets)}, {done.linked} linked, {done.copied} copied, {done.fetched} fetched"
    return f"{told}; {done.skipped} left out, for they were never fetched" if done.skipped else told
