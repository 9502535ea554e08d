"""Add a repository to the configuration, keeping what stands there."""

from __future__ import annotations

import click

from entrepot.cli.invocation import Invocation
from entrepot.cli.names import types
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.errors import ConfigurationError
from entrepot.operations.allowed import allowed_unasked
from entrepot.settings.editing import repository_table, with_repository, write
from entrepot.settings.reading import parse
from entrepot.settings.source import FILE_NAME, find


@click.command("add", cls=Command, short_help="Add a repository to the configuration.")
@click.argument("name")
@click.option("--type", "kind", required=True, metavar="TYPE", shell_complete=types, help="What it holds: python, ...")
@click.option("--url", metavar="URL", help="Where its content comes from; some types know a default.")
@click.option("--policy", metavar="POLICY", help="When artifacts are downloaded: immediate, on_demand or streamed.")
@click.option("--mirror/--no-mirror", default=None, help="Whether what is gone upstream goes here too.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any other key; VALUE is TOML, or text.")
@click.pass_obj
def command(
    invocation: Invocation,
    name: str,
    *,
    kind: str,
    url: str | None,
    policy: str | None,
    mirror: bool | None,
    assignments: tuple[str, ...],
) -> None:
    """Add a repository to the configuration; comments and order stay.

    Keys of --set reach into tables with dots, as in plugins.cooldown.min_age=7d. One that entrepot
    does not know is an option of the type: --set 'include=["pluggy"]'. Nothing is written unless
    all of it can be used: a URL that a sync would refuse is refused here.
    """
    from entrepot.operations.try_out import try_out  # noqa: PLC0415  # brings the database along

    file = find(invocation.config, environ=invocation.environ)
    if file is None or not file.exists():
        raise ConfigurationError(
            "there is no configuration here", where=str(file or FILE_NAME), remedy="make one with: entrepot init"
        )
    table = repository_table({"type": kind, "url": url, "policy": policy, "mirror": mirror}, assignments)
    before = invocation.settings()
    text = with_repository(file.read_text(encoding="utf-8"), name, table, where=str(file))
    after = parse(text, file=file, environ=invocation.environ)
    added, plugins = after.repository(name), invocation.plugins(before)
    added.options_as(plugins.first_stage(kind, where=f"--type {kind}").options)
    if url is not None:
        try_out(after, plugins, name)
    write(file, text)

    output = Output(invocation)
    allowed = allowed_unasked(added)
    more = {} if allowed is None else {"allowed": allowed}
    output.line({"event": "added", "repository": name, "file": str(file), **more})
    output.say(f"added {name} to {file}")
    if allowed is not None:
        output.say(f"note: {allowed}")
    output.say(f"next: entrepot sync {name}")
