"""Check this machine and this depot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from entrepot.cli.invocation import Invocation
from entrepot.cli.loop_watch import LoopWatch
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.cli.root import make_root
from entrepot.cli.running import run
from entrepot.errors import PluginError
from entrepot.failpoints import FAILPOINTS
from entrepot.operations.doctor import doctor, reach
from entrepot.operations.finding import Finding

if TYPE_CHECKING:
    from entrepot.hooks.manager import Plugins


@click.command("doctor", cls=Command, short_help="Check this machine and this depot.")
@click.option("--reach", "upstreams", is_flag=True, help="Also ask every upstream for its first page.")
@click.option("--failpoints", "listing", is_flag=True, help="List the places where tests let entrepot fail, only.")
@click.pass_obj
def command(invocation: Invocation, upstreams: bool, listing: bool) -> int:
    """Check software, plugins, home, depot and repositories; exit code 1 when something is not fit."""
    output = Output(invocation)
    if listing:
        return _list_failpoints(output)
    settings = invocation.settings()
    plugins = invocation.plugins(settings, even_clashing=True)
    found = [_told(output, finding) for finding in _commands(invocation, plugins)]
    found += [_told(output, finding) for finding in doctor(settings, plugins)]
    if upstreams:
        with invocation.depot() as depot:
            watch = LoopWatch(depot.plugins, settings.loop_timeout)
            found += [_told(output, finding) for finding in run(reach(depot), watch)]
    bad = sum(finding.state == "bad" for finding in found)
    output.line({"event": "examined", "findings": len(found), "bad": bad})
    output.say("all is well" if not bad else f"{bad} of {len(found)} findings are bad")
    return 1 if bad else 0


def _commands(invocation: Invocation, plugins: Plugins) -> Iterator[Finding]:
    """Let plugins add their commands; two that bring one are a finding."""
    try:
        with invocation.loading() as begin:
            plugins.add_commands(make_root(), begin)
    except PluginError as error:
        yield Finding.of("plugins", error)


def _list_failpoints(output: Output) -> int:
    for name, durable in FAILPOINTS.items():
        output.line({"event": "failpoint", "name": name, "durable": durable})
    output.table(["FAILPOINT", "WHAT IS DURABLE"], FAILPOINTS.items())
    return 0


def _told(output: Output, finding: Finding) -> Finding:
    output.line(finding.to_json())
    output.say(f"{finding.state:<4}  {finding.subject}: {finding.what}")
    if finding.remedy and finding.state != "ok":
        output.say(f"      remedy: {finding.remedy}")
    return finding
