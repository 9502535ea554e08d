"""Begin a plugin."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from entrepot.cli.invocation import Invocation
from entrepot.cli.options import Command
from entrepot.cli.output import Output


@click.command("new-plugin", cls=Command, short_help="Begin a plugin that works before a line is changed.")
@click.argument("name")
@click.option(
    "--kind", default="content", show_default=True, metavar="KIND", help="content, stage, publisher or storage."
)
@click.option(
    "--into",
    default=Path(),
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where its folder is made; here, unless told.",
)
@click.option(
    "--license",
    "license_expression",
    default="Apache-2.0",
    show_default=True,
    metavar="EXPRESSION",
    help="Its licence, in the words of SPDX.",
)
@click.pass_obj
def command(invocation: Invocation, name: str, *, kind: str, into: Path, license_expression: str) -> None:
    """Write a distribution in a folder of its own, with tests, a linter and a type checker set up.

    NAME is the distribution's, such as entrepot-firmware. Nothing is overwritten.
    """
    from entrepot.operations.new_plugin import new_plugin  # noqa: PLC0415  # `--help` does not wait for it

    folder = new_plugin(name, kind=kind, into=into, license_expression=license_expression)
    output = Output(invocation)
    output.line({"event": "begun", "folder": str(folder), "kind": kind})
    output.say(f"wrote {folder}")
    output.say(f"next: cd {shlex.quote(str(folder))} && pip install -e '.[test]' && pytest && entrepot plugins")
