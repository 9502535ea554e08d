"""Taking over what a client is configured with, as repositories to add."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from entrepot.assembly.registrations import ImportContext, Imported
from entrepot.errors import ConfigurationError, EntrepotError, PluginError
from entrepot.operations.add import NewRepository
from entrepot.operations.credentials import merged, without_credentials

if TYPE_CHECKING:
    from entrepot.hooks.manager import Plugins

_LONGEST_NAME = 64


def import_client(
    plugins: Plugins, importer: str, context: ImportContext, *, name: str | None, asked: Mapping[str, Any]
) -> list[NewRepository]:
    """Read a client's configuration; what is `asked` for goes before it.

    One repository takes `name`; of several, it begins all their names. Without it they are named
    for host and path. User names and passwords of URLs become places that secrets are had from.
    """
    found = _read(plugins, importer, context)
    if not found:
        raise ConfigurationError(
            "the client's configuration names no repository that could be mirrored",
            where=f"--from-{importer} {context.given}".rstrip(),
            remedy="add one by hand: entrepot add NAME --type TYPE --url URL",
        )
    for one in found:
        _check_url(one)
    names = _names(found, name)
    kind, _ = plugins.importers[importer]
    return [_new(kind, one, called, asked) for one, called in zip(found, names, strict=True)]


def _read(plugins: Plugins, importer: str, context: ImportContext) -> Sequence[Imported]:
    plugin = plugins.origin("importer", importer)
    try:
        found = plugins.importers[importer][1].read(context)
    except (EntrepotError, ExceptionGroup):
        raise
    except Exception as error:
        raise _broken(plugin, importer, f"raised {type(error).__name__}: {error}") from error
    if not isinstance(found, list | tuple) or not all(isinstance(one, Imported) for one in found):
        raise _broken(plugin, importer, f"answered {found!r:.200} where a list of Imported values is expected")
    return found


def _check_url(one: Imported) -> None:
    """Refuse what cannot be taken apart, without showing it: a password may be in it."""
    try:
        _ = urlsplit(one.url).port
    except ValueError:
        raise ConfigurationError(
            "a URL of the client's configuration cannot be used: its host or its port cannot be read",
            where=one.place,
            remedy="mend it there, or add the repository by hand: entrepot add NAME --type TYPE --url URL",
        ) from None


def _broken(plugin: str, importer: str, how: str) -> PluginError:
    return PluginError(
        f"plugin {plugin!r} {how}",
        where=f"--from-{importer}",
        remedy="add the repository by hand: entrepot add NAME --type TYPE --url URL; --debug shows the traceback",
    )


def _names(found: Sequence[Imported], name: str | None) -> list[str]:
    if name is not None and len(found) == 1:
        return [name]
    names: list[str] = []
    for one in found:
        made = _made_name(one.url, name)
        numbered = (made, *(f"{made[: _LONGEST_NAME - 4]}-{number}" for number in range(2, len(found) + 1)))
        names.append(next(each for each in numbered if each not in names))
    return names


def _made_name(url: str, name: str | None) -> str:
    """Name it for host and path: mirror.example/debian is mirror-example-debian."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    words = [*([name] if name else []), host, parts.path]
    made = re.sub(r"[^a-z0-9_]+", "-", "-".join(words).lower())
    return made.strip("-_")[:_LONGEST_NAME].rstrip("-_") or "imported"


def _new(kind: str, one: Imported, name: str, asked: Mapping[str, Any]) -> NewRepository:
    options = {"options": one.options} if one.options else {}
    table, told = without_credentials(name, merged({"type": kind, "url": one.url, **one.table, **options}, asked))
    return NewRepository(
        name=name,
        table=table,
        place=one.place,
        files=one.files,
        secrets=tuple(told),
        notes=(*told.values(), *one.notes),
    )
