"""Make a configuration here, and the depot that it names."""

from __future__ import annotations

from pathlib import Path

import click

from entrepot.cli.invocation import Invocation
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.settings.editing import new_file, write
from entrepot.settings.reading import parse
from entrepot.settings.source import FILE_NAME, find


@click.command("init", cls=Command, short_help="Make a configuration and a depot.")
@click.pass_obj
def command(invocation: Invocation) -> None:
    """Write entrepot.toml here, and make the depot that it names.

    What is there already stays as it is, so it does no harm to call it again.
    """
    output = Output(invocation)
    file = find(invocation.config, environ=invocation.environ) or Path(FILE_NAME).absolute()
    is_new = not file.exists()
    if is_new:
        usual = parse("", file=file, environ=invocation.environ).home
        write(file, new_file(invocation.home.absolute() if invocation.home else None, usual=usual))
    invocation.config = file
    with invocation.depot(create=True) as depot:
        home = depot.settings.home
    output.line({"event": "initialized", "file": str(file), "home": str(home), "new": is_new})
    output.say(f"{'wrote' if is_new else 'kept'} {file}")
    elsewhere = "" if home.is_relative_to(file.parent) else f"; for another place, set home in {file}, and init again"
    output.say(f"the depot is in {home}{elsewhere}")
    output.say("next: entrepot add NAME --type TYPE --url URL")
