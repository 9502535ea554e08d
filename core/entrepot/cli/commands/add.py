"""Add repositories to the configuration, keeping what stands there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from entrepot.cli.importing import ImportingCommand, importer_of
from entrepot.cli.invocation import Invocation
from entrepot.cli.names import types
from entrepot.cli.output import Output
from entrepot.errors import ConfigurationError
from entrepot.operations.allowed import allowed_unasked
from entrepot.settings.editing import repository_table
from entrepot.settings.source import FILE_NAME, find

if TYPE_CHECKING:
    from entrepot.operations.add import NewRepository
    from entrepot.settings import Settings


@click.command("add", cls=ImportingCommand, short_help="Add a repository to the configuration.")
@click.argument("name", required=False)
@click.option("--type", "kind", metavar="TYPE", shell_complete=types, help="What it holds: python, ...")
@click.option("--url", metavar="URL", help="Where its content comes from; some types know a default.")
@click.option("--policy", metavar="POLICY", help="When artifacts are downloaded: immediate, on_demand or streamed.")
@click.option("--mirror/--no-mirror", default=None, help="Whether what is gone upstream goes here too.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any other key; VALUE is TOML, or text.")
@click.pass_context
def command(
    context: click.Context, /, name: str | None, *, assignments: tuple[str, ...], **given: str | bool | None
) -> None:
    """Add a repository to the configuration; comments and order stay.

    Keys of --set reach into tables with dots, as in plugins.cooldown.min_age=7d. One that entrepot
    does not know is an option of the type: --set 'include=["pluggy"]'. Nothing is written unless
    all of it can be used: a URL that a sync would refuse is refused here.

    The options --from-... of plugins read what a client of this machine is configured with, and add
    a repository for each URL that it uses; NAME names the only one, or begins the names of several.
    """
    from entrepot.operations.add import add  # noqa: PLC0415  # brings the database along

    keys = {"type": given.pop("kind"), **{key: given.pop(key) for key in ("url", "policy", "mirror")}}
    table, importer = repository_table(keys, assignments), importer_of(given)
    if importer is None and (name is None or "type" not in table):
        missing = "argument 'NAME'" if name is None else "option '--type'"
        raise click.UsageError(f"{missing} is missing", context)
    invocation: Invocation = context.obj
    file = find(invocation.config, environ=invocation.environ)
    if file is None or not file.exists():
        raise ConfigurationError(
            "there is no configuration here", where=str(file or FILE_NAME), remedy="make one with: entrepot init"
        )
    new = _named(name or "", table) if importer is None else _imported(invocation, *importer, file, name, table)
    settings = add(new, file, invocation.plugins(invocation.settings()), environ=invocation.environ)
    _tell(Output(invocation), new, settings)


def _named(name: str, table: dict[str, Any]) -> list[NewRepository]:
    """Take the command line's word, which must say all that a client would."""
    from entrepot.operations.add import NewRepository  # noqa: PLC0415  # brings the database along
    from entrepot.operations.credentials import without_credentials  # noqa: PLC0415  # brings what it is beside along

    whole, told = without_credentials(name, table)
    return [NewRepository(name=name, table=whole, secrets=tuple(told), notes=tuple(told.values()))]


def _imported(
    invocation: Invocation, importer: str, given: str, file: Path, name: str | None, table: dict[str, Any]
) -> list[NewRepository]:
    from entrepot.assembly.registrations import ImportContext  # noqa: PLC0415  # seldom needed
    from entrepot.operations.import_client import import_client  # noqa: PLC0415  # seldom needed

    for key in {"type", "url"} & table.keys():
        raise ConfigurationError(
            f"--{key} and --from-{importer} say the same thing twice",
            where=f"--{key} {table[key]}",
            remedy=f"leave --{key} out: the client's configuration says it",
        )
    context = ImportContext(given=given, environ=invocation.environ, folder=file.parent)
    plugins = invocation.plugins(invocation.settings())
    return import_client(plugins, importer, context, name=name, asked=table)


def _tell(output: Output, new: Sequence[NewRepository], settings: Settings) -> None:
    for one in new:
        allowed = allowed_unasked(settings.repository(one.name))
        more: dict[str, object] = {"allowed": allowed} if allowed is not None else {}
        more |= {key: value for key in ("secrets", "notes") if (value := list(getattr(one, key)))}
        output.line({"event": "added", "repository": one.name, "file": str(settings.file), **more})
        output.say(f"added {one.name} to {settings.file}")
        for said in (*([allowed] if allowed is not None else []), *one.notes):
            output.say(f"note: {said}" if len(new) == 1 else f"note: {one.name}: {said}")
    synced = [one.name for one in new if not settings.repository(one.name).uploads]
    following = ["sync", *synced] if synced else ["upload", new[0].name, "FILE..."]
    output.say(f"next: entrepot {' '.join(following)}")
