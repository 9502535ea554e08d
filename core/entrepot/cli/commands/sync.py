"""Bring repositories up to their upstream, and say what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial

import click

from entrepot.cli.ahead import imported_beside
from entrepot.cli.given_up import say_failures
from entrepot.cli.handing_out import HandingOut
from entrepot.cli.here import Here
from entrepot.cli.invocation import Invocation
from entrepot.cli.loop_watch import LoopWatch
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.cli.running import bounded_end, run
from entrepot.cli.synced import table_of, told
from entrepot.depot import Depot
from entrepot.errors import ConfigurationError
from entrepot.operations.executor import Chosen, choose
from entrepot.operations.sync import Confirmed, retry_failed, sync


@click.command("sync", cls=Command, short_help="Bring repositories up to their upstream.")
@name_argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--retry-failed", "retry", is_flag=True, help="Try only what the latest sync gave up on.")
@click.option("--accept-loss", is_flag=True, help="Let most of the content go, when it is gone upstream.")
@click.option("--allow-older", is_flag=True, help="Take metadata that is older than what was seen before.")
@click.option("--allow-expired", is_flag=True, help="Take metadata that is over, or dated in the future.")
@click.option("--executor", metavar="NAME", help="Where the syncs run: local, processes, or what a plugin brings.")
@click.option("--progress", is_flag=True, help="Tell progress on stderr beside --json.")
@click.pass_obj
def command(
    invocation: Invocation,
    /,
    names: tuple[str, ...],
    *,
    retry: bool,
    executor: str | None,
    progress: bool,
    **confirmed: bool,
) -> int:
    """Bring repositories up to their upstream; all of them when none is named.

    One after the other in this process, or as --executor says. A sync that fails leaves the latest
    version as it is, and the others go on. Exit code: 0 when all is done, 1 when units failed and
    were skipped or kept, else the gravest error's.
    """
    output = Output(invocation)
    # aiohttp is a quarter of what there is to import, for the first request
    with bounded_end() as limit, imported_beside("aiohttp"), invocation.depot() as depot:
        asked = [f"--{name.replace('_', '-')}" for name, said in {"retry_failed": retry, **confirmed}.items() if said]
        shown = [] if invocation.json and not progress else ["--progress"]
        jobs = invocation.jobs(depot.settings, _wanted(depot, names), options=[*asked, *shown])
        handing_out = HandingOut(jobs, output)
        loop_watch = LoopWatch(depot.plugins, depot.settings.loop_timeout, as_json=output.is_json)
        work = partial(retry_failed if retry else sync, depot, confirmed=Confirmed(**confirmed))
        here = Here(handing_out, output, work=work, also=loop_watch.hear, depot=depot)
        here.shows_progress = progress
        chosen = choose(depot, executor, here.sync)
        run(_all(depot, handing_out, chosen), loop_watch, limit)
        _say_what_became(depot, handing_out, output)
    return max(handing_out.codes)


def _wanted(depot: Depot, names: Sequence[str]) -> list[str]:
    """Look every name up before anything begins."""
    all_of_them = [name for name, configured in depot.settings.repositories.items() if not configured.uploads]
    wanted = [depot.settings.repository(name).name for name in dict.fromkeys(names)] or all_of_them
    if not wanted:
        raise ConfigurationError(
            "no repository that has an upstream is configured",
            where=str(depot.settings.file or "entrepot.toml"),
            remedy="entrepot add NAME --type TYPE --url URL",
        )
    return wanted


async def _all(depot: Depot, handing_out: HandingOut, executor: Chosen) -> None:
    async with depot.workshop.downloads() if executor.in_process else nullcontext():
        await handing_out.run(executor)


def _say_what_became(depot: Depot, handing_out: HandingOut, output: Output) -> None:
    ended = [(relay.synced, relay.report) for relay in handing_out.relays if relay.synced is not None]
    if ended:
        table_of(output, [synced for synced, _ in ended])
    for synced, report in ended:
        say_failures(output, synced["repository"], report)
        output.say(told(depot, synced))
