"""Adding repositories to a configuration: all of them, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from entrepot.errors import ConfigurationError, EntrepotError
from entrepot.operations.try_out import try_out
from entrepot.settings.editing import with_repository, write
from entrepot.settings.mistakes import together
from entrepot.settings.reading import parse

if TYPE_CHECKING:
    from entrepot.hooks.manager import Plugins
    from entrepot.settings import Settings


@attrs.frozen(kw_only=True)
class NewRepository:
    """A repository that is to be configured.

    `place` says where its table comes from, for errors. `files` are texts that it points to.
    `secrets` are variables that the environment has to have, and `notes` are for a person.
    """

    name: str
    table: Mapping[str, Any]
    place: str = ""
    files: Mapping[Path, str] = attrs.field(factory=dict)
    secrets: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def add(new: Sequence[NewRepository], file: Path, plugins: Plugins, *, environ: Mapping[str, str]) -> Settings:
    """Write tables into a configuration, and return what is configured then.

    Everything that a sync would refuse before it asks upstream anything is raised here, of all
    repositories at once, and nothing is written then.
    """
    text = file.read_text(encoding="utf-8")
    for one in new:
        text = with_repository(text, one.name, one.table, where=str(file))
    after = parse(text, file=file, environ=environ)
    wrong = [error for one in new for error in _wrong(one, after, plugins)]
    if wrong:
        raise together(wrong, str(file))
    files = {path: said for one in new for path, said in one.files.items()}
    for path, said in files.items():
        _write_new(path, said)
    write(file, text)
    return after


def _wrong(one: NewRepository, after: Settings, plugins: Plugins) -> list[Exception]:
    configured = after.repository(one.name)
    try:
        where = one.place or f"--type {configured.type}"
        configured.options_as(plugins.first_stage(configured.type, where=where).options)
        if configured.url is not None:
            try_out(after, plugins, one.name)
    except EntrepotError as error:
        return [error.at(one.place)]
    except ExceptionGroup as errors:
        return [errors]
    return []


def _write_new(path: Path, text: str) -> None:
    try:
        there = path.read_text(encoding="utf-8") if path.exists() else None
    except (OSError, UnicodeDecodeError):
        there = ""
    if there == text:
        return
    if there is not None:
        raise ConfigurationError(
            "a file that is to be written for a repository says something else",
            where=str(path),
            remedy=f"move it away: mv {path} {path}.old",
        )
    write(path, text)
