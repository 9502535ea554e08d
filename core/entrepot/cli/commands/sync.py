"""Bring repositories up to their upstream, and say what became of it."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeAlias

import click

from entrepot.cli.display import Display, JsonDisplay, PlainDisplay, watch
from entrepot.cli.failures import tell
from entrepot.cli.given_up import say_failures
from entrepot.cli.invocation import Invocation
from entrepot.cli.loop_watch import LoopWatch
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.cli.running import bounded_end, end_if_asked, run
from entrepot.cli.synced import table_of, told
from entrepot.depot import Depot
from entrepot.errors import ConfigurationError
from entrepot.events import Event, Listener
from entrepot.operations.sync import Confirmed, SyncOutcome, retry_failed, sync

_Work: TypeAlias = Callable[..., Awaitable[SyncOutcome | None]]


@click.command("sync", cls=Command, short_help="Bring repositories up to their upstream.")
@name_argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--retry-failed", "retry", is_flag=True, help="Try only what the latest sync gave up on.")
@click.option("--accept-loss", is_flag=True, help="Let most of the content go, when it is gone upstream.")
@click.option("--allow-older", is_flag=True, help="Take metadata that is older than what was seen before.")
@click.option("--allow-expired", is_flag=True, help="Take metadata that is over, or dated in the future.")
@click.pass_obj
def command(invocation: Invocation, /, names: tuple[str, ...], *, retry: bool, **confirmed: bool) -> int:
    """Bring repositories up to their upstream, one after the other; all of them when none is named.

    A sync that fails leaves the latest version as it is, and the others go on. Exit code: 0 when
    all is done, 1 when units failed and were skipped or kept, else the gravest error's.
    """
    output = Output(invocation)
    with bounded_end() as limit, invocation.depot() as depot:
        wanted = _wanted(depot, names)
        loop_watch = LoopWatch(depot.plugins, depot.settings.loop_timeout, as_json=output.is_json)
        work = partial(retry_failed if retry else sync, depot, confirmed=Confirmed(**confirmed))
        outcomes, codes = run(_sync_all(depot, wanted, work, output=output, also=loop_watch.hear), loop_watch, limit)
        if outcomes:
            table_of(output, outcomes)
        for outcome in outcomes:
            say_failures(output, outcome.repository, outcome.report)
            output.say(told(depot, outcome))
    return max(codes)


def _wanted(depot: Depot, names: Sequence[str]) -> list[str]:
    """Look every name up before anything begins."""
    wanted = [depot.settings.repository(name).name for name in dict.fromkeys(names)] or [*depot.settings.repositories]
    if not wanted:
        raise ConfigurationError(
            "no repository is configured",
            where=str(depot.settings.file or "entrepot.toml"),
            remedy="entrepot add NAME --type TYPE --url URL",
        )
    return wanted


async def _sync_all(
    depot: Depot, names: Sequence[str], work: _Work, *, output: Output, also: Listener
) -> tuple[list[SyncOutcome], list[int]]:
    outcomes, codes = [], []
    async with depot.workshop.downloads():
        for name in names:
            display = _display(depot, name, output)
            try:
                outcome = await watch(work(name=name, listener=_both(also, display.hear)), display)
            except Exception as error:
                output.line({"event": "error", "repository": name, "error": str(error)})
                codes.append(tell(error, debug=output.debug))
                end_if_asked()
            else:
                codes.append(_told(output, name, outcome))
                outcomes += [outcome] if outcome is not None else []
    return outcomes, codes


def _both(first: Listener, second: Listener) -> Listener:
    def hear(event: Event) -> None:
        first(event)
        second(event)

    return hear


def _told(output: Output, name: str, outcome: SyncOutcome | None) -> int:
    if outcome is None:
        output.line({"event": "nothing-to-retry", "repository": name})
        output.say(f"{name}: nothing to retry: its latest sync gave up on no unit; sync it: entrepot sync {name}")
        return 0
    output.line(outcome.to_json())
    return outcome.exit_code


def _display(depot: Depot, name: str, output: Output) -> Display:
    if output.is_json:
        return JsonDisplay(output, name)
    if not sys.stderr.isatty():
        return PlainDisplay(name)
    from rich.console import Console  # noqa: PLC0415  # bars are for terminals alone

    from entrepot.cli.live import LiveDisplay  # noqa: PLC0415  # it needs rich

    expected = {row.name: row.members for row in depot.catalog.reader.repositories()}.get(name, 0)
    return LiveDisplay(name, expected=expected, console=Console(stderr=True))
