"""Put several repositories under one name, keeping what stands in the configuration."""

from __future__ import annotations

import click

from entrepot.cli.invocation import Invocation
from entrepot.cli.lines import combined_line
from entrepot.cli.names import name_argument
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.errors import ConfigurationError
from entrepot.settings.source import FILE_NAME, find


@click.command("combine", cls=Command, short_help="Put several repositories under one name.")
@click.argument("name")
@name_argument("repositories", nargs=-1, required=True, metavar="REPOSITORY...")
@click.pass_obj
def command(invocation: Invocation, name: str, repositories: tuple[str, ...]) -> None:
    """Serve several repositories under one more name, the first of them before the others.

    What one of them has is not had from those after it, whatever version they have. Those of your own
    come first. Comments and order of the configuration stay.
    """
    from entrepot.operations.combine import combine  # noqa: PLC0415  # brings the database along

    file = find(invocation.config, environ=invocation.environ)
    if file is None or not file.exists():
        raise ConfigurationError(
            "there is no configuration here", where=str(file or FILE_NAME), remedy="make one with: entrepot init"
        )
    plugins = invocation.plugins(invocation.settings())
    settings = combine(name, repositories, file, plugins, environ=invocation.environ)
    output = Output(invocation)
    output.line(combined_line(settings.combination(name)))
    output.say(f"added {name} to {settings.file}: served from {', then '.join(repositories)}")
    output.say("next: entrepot serve")
