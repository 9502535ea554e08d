"""Serve all versions over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import click

from entrepot.cli.invocation import Invocation
from entrepot.cli.loop_watch import LoopWatch
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.cli.running import Limit, bounded_end, ended_by_signals, new_runner
from entrepot.serve.app import run

_HIGHEST_PORT = 65535

#: Seconds: what is being sent has ten, and the rest of the end a moment more.
_LONGEST_END = 12.0


@click.command("serve", cls=Command, short_help="Serve all versions over HTTP.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to listen.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, _HIGHEST_PORT),
    metavar="PORT",
    help="0 picks one that is free.",
)
@click.pass_obj
def command(invocation: Invocation, host: str, port: int) -> None:
    """Serve every version of every repository, until SIGINT or SIGTERM; the address is said on stdout.

    /NAME/ is the latest version, /NAME@7/ the seventh, /NAME@2026-11-01/ that of a day.
    """
    output = Output(invocation)

    def announce(url: str) -> None:
        output.line({"event": "serving", "url": url})
        output.say(f"serving {url}")

    with bounded_end(_LONGEST_END) as limit, invocation.depot() as depot, new_runner() as runner:
        watch = LoopWatch(depot.plugins, depot.settings.loop_timeout, ends=False)
        with watch.over(runner.get_loop()):
            runner.run(_until_asked(lambda stop: run(depot, host=host, port=port, announce=announce, stop=stop), limit))


async def _until_asked(serve: Callable[[asyncio.Event], Awaitable[None]], limit: Limit) -> None:
    """Serve, and at the first signal end as a server does: what is being sent is finished."""
    stop = asyncio.Event()
    with ended_by_signals(stop.set, limit):
        await serve(stop)
