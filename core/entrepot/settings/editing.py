"""Changing the configuration's text the way a careful person would: comments and order stay."""

from __future__ import annotations

import fcntl
import os
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import tomlkit
from tomlkit.exceptions import TOMLKitError

from entrepot.errors import ConfigurationError
from entrepot.failpoints import failpoint
from entrepot.settings.repository_table import REPOSITORY_KEYS, check_name

_NEW = """\
# What entrepot mirrors. Every key is explained in the reference of the configuration.
# Add a repository with: entrepot add NAME --type TYPE --url URL

[depot]
{home}# catalog = "sqlite:///..."                # or postgresql+psycopg://...
# storage = "file:///..."
# blocked = []                             # plugins to leave out
"""


def new_file(home: Path | None, *, usual: Path) -> str:
    """The text of a configuration without repositories; `home` is written down when it was asked for."""
    if home is not None:
        return _NEW.format(home=f"home = {_quoted(str(home))}\n")
    told = 'catalog and storage live there; to have them beside this file, write: home = "depot"'
    return _NEW.format(home=f"# home = {_quoted(str(usual))}\n#   {told}\n")


def with_repository(text: str, name: str, table: Mapping[str, Any], *, where: str) -> str:
    """Add one repository at the end; everything else stays as it was, to the letter."""
    return _with_table(text, ("repositories", name), table, where=where, told=f"repository {name!r}")


def with_combination(text: str, name: str, repositories: Sequence[str], *, where: str) -> str:
    """Add one combination at the end, in the same way."""
    table = {"repositories": list(repositories)}
    return _with_table(text, ("combined", name), table, where=where, told=f"combination {name!r}")


def _with_table(text: str, path: tuple[str, str], table: Mapping[str, Any], *, where: str, told: str) -> str:
    kind, name = path
    check_name(name, where)
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigurationError(
            f"the configuration is not TOML: {error}", where=where, remedy="mend that line; text needs quotes around it"
        ) from error
    tables = document.setdefault(kind, tomlkit.table(is_super_table=True))
    if not isinstance(tables, MutableMapping):
        raise ConfigurationError(f"{kind!r} is not a table", where=where, remedy=f"write [{kind}.{name}]")
    if name in tables:
        raise ConfigurationError(
            f"{told} is configured already",
            where=f"{where}, {kind}.{name}",
            remedy="change it there, or add one under another name",
        )
    tables[name] = tomlkit.item(dict(table))
    return tomlkit.dumps(document)


def repository_table(given: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """Put together what the command line says of a repository; what it leaves out is None in `given`.

    A key without dots that entrepot does not know is one of the type's own options.
    """
    table: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    for assignment in assignments:
        path, value = _assignment(assignment)
        if len(path) == 1 and path[0] not in REPOSITORY_KEYS:
            path = ["options", *path]
        _put(table, path, value, assignment)
    return table


def write(file: Path, text: str) -> None:
    """Replace the file whole, durably, or leave it as it was; its permissions stay."""
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o644
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f".{file.name}.new")
        with _temporary(beside) as temporary:
            temporary.write(text.encode())
            temporary.flush()
            os.fchmod(temporary.fileno(), mode)
            failpoint("settings.sync")
            os.fsync(temporary.fileno())
            failpoint("settings.replace")
            beside.replace(file)
        _sync_folder(file.parent)
    except OSError as error:
        raise ConfigurationError(
            f"the configuration cannot be written: {error.strerror}", where=str(file), remedy=f"ls -ld {file.parent}"
        ) from error


@contextmanager
def _temporary(path: Path) -> Iterator[BinaryIO]:
    """An empty file for us alone, taken over from whoever was killed; gone when the block fails.

    It has one name, so that a copy of a configuration, which may hold secrets, never stays behind.
    """
    with _locked(path) as file:
        try:
            failpoint("settings.write")
            file.truncate()
            yield file
        except BaseException:
            with suppress(OSError):  # what went wrong before is what is told
                failpoint("settings.discard")
                path.unlink(missing_ok=True)
            raise


def _locked(path: Path) -> BinaryIO:
    """Open the file, made when it is not there, once nobody else has it; waits for that."""
    while True:
        failpoint("settings.create")
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):  # whoever had it moved it away, or gave it up
                if os.path.samestat(os.fstat(file.fileno()), path.lstat()):
                    return file
        except BaseException:
            file.close()
            raise
        file.close()


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        failpoint("settings.sync_folder")
        os.fsync(folder)
    finally:
        os.close(folder)


def _assignment(text: str) -> tuple[list[str], Any]:
    key, separator, value = text.partition("=")
    path = [part.strip() for part in key.split(".")]
    if not separator or not all(path):
        raise ConfigurationError(
            f"{text!r} does not say what to set", where="--set", remedy="write --set KEY=VALUE, such as --set retries=2"
        )
    return path, read_value(value)


def read_value(text: str) -> Any:
    """Read a value as TOML, else take it as plain text."""
    try:
        table = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return table["value"] if table.keys() == {"value"} else text


def _put(table: dict[str, Any], path: Sequence[str], value: Any, assignment: str) -> None:
    *parents, last = path
    for parent in parents:
        inner = table.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise ConfigurationError(
                f"{parent!r} is set to a value, and to a table", where=f"--set {assignment}", remedy="set it once"
            )
        table = inner
    if last in table:
        raise ConfigurationError(f"{last!r} is set twice", where=f"--set {assignment}", remedy="set it once")
    table[last] = value


def _quoted(text: str) -> str:
    return tomlkit.string(text).as_string()
