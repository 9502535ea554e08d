"""Take files of one's own out of a repository again."""

from __future__ import annotations

import click

from entrepot.cli.figures import counted
from entrepot.cli.invocation import Invocation
from entrepot.cli.loop_watch import LoopWatch
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.cli.running import bounded_end, run


@click.command("withdraw", cls=Command, short_help="Take files of one's own out of a repository.")
@name_argument()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.pass_obj
def command(invocation: Invocation, name: str, *, files: tuple[str, ...]) -> None:
    """Take files that were uploaded out of a repository, as one new version.

    FILE is where it is served, or the end of that, such as its name. All of them go, or none. Earlier
    versions keep them until they are pruned, and a name keeps its bytes: only the same can be
    uploaded by it again.
    """
    from entrepot.operations.withdraw import withdraw_files  # noqa: PLC0415  # brings the database along

    output = Output(invocation)
    with bounded_end() as limit, invocation.depot() as depot:
        watch = LoopWatch(depot.plugins, depot.settings.loop_timeout)
        done = run(withdraw_files(depot, name, files), watch, limit)
    number = done.version.number if done.version is not None else None
    output.line({"event": "withdrawn", "repository": done.repository, "version": number, "files": list(files)})
    output.say(f"{done.repository}: made version {number} without {counted(len(files), 'file', 'files')}")
