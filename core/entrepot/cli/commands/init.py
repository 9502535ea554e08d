"""Make a configuration here, and the depot that it names."""

from __future__ import annotations

from pathlib import Path

import click

from entrepot.cli.invocation import Invocation
from entrepot.cli.options import Command
from entrepot.cli.output import Output
from entrepot.settings.editing import new_file, write
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
        write(file, new_file(invocation.home.absolute() if invocation.home else None))
    invocation.config = file
    with invocation.depot(create=True) as depot:
        home = depot.settings.home
    output.line({"event": "initialized", "file": str(file), "home": str(home), "new": is_new})
    output.say(f"{'wrote' if is_new else 'kept'} {file}")
    output.say(f"the depot is in {home}")
    output.say("next: entrepot add NAME --type TYPE --url URL")
