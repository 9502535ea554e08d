"""Fetch again what is damaged."""

from __future__ import annotations

import click

from entrepot.cli.figures import counted
from entrepot.cli.invocation import Invocation
from entrepot.cli.looking import Looking
from entrepot.cli.loop_watch import LoopWatch
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output, visible
from entrepot.cli.running import bounded_end, run
from entrepot.depot import Depot
from entrepot.operations.repair import Mended, Repaired, repair


@click.command("repair", cls=Command, short_help="Fetch again what is damaged.")
@name_argument("names", nargs=-1, metavar="[NAME]...")
@click.pass_obj
def command(invocation: Invocation, names: tuple[str, ...]) -> int:
    """Verify everything, or the repositories named, and fetch again what is damaged.

    Each file is fetched by the repositories that need it, from every address it was known at, and
    replaced only once right bytes are on the disk. Nothing is deleted; what cannot be mended stays
    as it is, and is told with the reason. Exit code: 0 when all is whole again, else 4.
    """
    output, done = Output(invocation), Repaired()
    with bounded_end() as limit, invocation.depot() as depot:
        watch = LoopWatch(depot.plugins, depot.settings.loop_timeout)
        run(_repair(depot, names, output=output, done=done), watch, limit)
    output.line(done.to_json())
    checked = counted(done.seen.checked, "file", "files")
    output.say(f"{checked} checked: {done.mended} mended, {done.unmended} not mended")
    return done.exit_code


async def _repair(depot: Depot, names: tuple[str, ...], *, output: Output, done: Repaired) -> None:
    looking = Looking(quiet=output.is_json)
    async for mended in repair(depot, names, done=done, progress=looking.tell):
        looking.clear()
        output.line(mended.to_json())
        _say(output, mended)
    looking.clear()


def _say(output: Output, mended: Mended) -> None:
    name = f"sha256:{mended.damaged.sha256.hex()} ({mended.damaged.kind})"
    output.say(f"mended: {name}" if mended.is_whole else f"not mended: {name}")
    for reason in mended.reasons:
        output.say(f"    {visible(reason)}")
