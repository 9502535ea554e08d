"""Take files of one's own into a repository."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from entrepot.cli.figures import counted
from entrepot.cli.invocation import Invocation
from entrepot.cli.loop_watch import LoopWatch
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.cli.running import bounded_end, run

if TYPE_CHECKING:
    from entrepot.assembly.outcome import SyncOutcome


@click.command("upload", cls=Command, short_help="Take files of one's own into a repository.")
@name_argument()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "--path", metavar="PATH", help="Where plain files are served: PATH, or PATH/NAME if it ends with a slash."
)
@click.pass_obj
def command(invocation: Invocation, name: str, *, files: tuple[Path, ...], path: str | None) -> None:
    """Take files of one's own into a repository that says uploads = true, as one new version.

    All of them are taken, or none. What is there already with the same bytes is passed over; a name
    that has, or ever had, other bytes is refused. No token is needed: who may write the depot may.
    """
    from entrepot.operations.upload import upload_files  # noqa: PLC0415  # brings the database along

    output = Output(invocation)
    with bounded_end() as limit, invocation.depot() as depot:
        watch = LoopWatch(depot.plugins, depot.settings.loop_timeout)
        done = run(upload_files(depot, name, files, path=path), watch, limit)
    output.line(_line(done, files))
    output.say(_told(done, files))


def _line(done: SyncOutcome, files: tuple[Path, ...]) -> dict[str, Any]:
    number = done.version.number if done.version is not None else None
    named = [file.name for file in files]
    return {"event": "uploaded", "repository": done.repository, "version": number, "files": named}


def _told(done: SyncOutcome, files: tuple[Path, ...]) -> str:
    many = counted(len(files), "file", "files")
    if done.version is None:
        return f"{done.repository}: {many} given, and all are there already"
    return f"{done.repository}: made version {done.version.number} with {many}; serve it: entrepot serve"
