"""The reference page of the command line, from the commands themselves."""

from __future__ import annotations

import click

from entrepot.cli.root import make_root
from pieces import page


def commands_page() -> str:
    """Show the help of every command, as the terminal shows it."""
    cli = make_root()
    root = click.Context(cli, info_name="entrepot", max_content_width=100, terminal_width=100)
    sections = [_help("entrepot", root)]
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        if command is not None and not command.hidden:
            context = click.Context(command, parent=root, info_name=name, max_content_width=100, terminal_width=100)
            sections.append(_help(f"entrepot {name}", context))
    return page(
        "Commands",
        "With `--json`, which stands before the command, stdout has JSON lines and nothing else; logs go to stderr."
        " The exit codes are told on the page of [errors](errors.md).",
        *sections,
    )


def _help(title: str, context: click.Context) -> str:
    return f"## {title}\n\n```text\n{context.command.get_help(context)}\n```"
