"""Where the configuration stands, and the little of it that is needed before all of it is read.

Loading plugins for `--help` must not wait for what checks a whole configuration.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from entrepot.errors import ConfigurationError

FILE_NAME = "entrepot.toml"

#: Seconds that importing one plugin may take: libraries on a cold disk of another machine are slow.
LOAD_TIMEOUT = 30.0


def find(file: Path | None, *, environ: Mapping[str, str], folder: Path | None = None) -> Path | None:
    """Say which file would be read; None when none was asked for and none is there."""
    named = environ.get("ENTREPOT_CONFIG")
    if file is not None or named:
        return Path(file or named or "").absolute()
    here = (folder or Path.cwd()) / FILE_NAME
    return here.absolute() if here.is_file() else None


def blocked_plugins(file: Path | None, *, environ: Mapping[str, str], folder: Path | None = None) -> tuple[str, ...]:
    """The plugins that the configuration and ENTREPOT_BLOCK leave out; nothing else is looked at."""
    found = find(file, environ=environ, folder=folder)
    listed = _depot_table(found).get("blocked", [])
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise ConfigurationError(
            "expected a list of text", where=f"{found}, depot.blocked", remedy='write blocked = ["..."]'
        )
    return tuple(dict.fromkeys([*listed, *blocked_in(environ)]))


def load_timeout(file: Path | None, *, environ: Mapping[str, str], folder: Path | None = None) -> float:
    """Seconds that loading one plugin may take; what is no number is told when all is read."""
    try:
        said = _depot_table(find(file, environ=environ, folder=folder)).get("load_timeout", LOAD_TIMEOUT)
    except ConfigurationError:
        return LOAD_TIMEOUT
    return float(said) if isinstance(said, int | float) else LOAD_TIMEOUT


def _depot_table(file: Path | None) -> Mapping[str, Any]:
    table = decoded(text_of(file), str(file)).get("depot") if file is not None else None
    return table if isinstance(table, dict) else {}


def blocked_in(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The plugins that ENTREPOT_BLOCK names, separated by commas."""
    names = (name.strip() for name in environ.get("ENTREPOT_BLOCK", "").split(","))
    return tuple(name for name in names if name)


def text_of(file: Path) -> str:
    """Read the file, or say with a `ConfigurationError` why that cannot be."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(
            "there is no such configuration file", where=str(file), remedy=f"entrepot --config {file} init"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the configuration cannot be read: {error}", where=str(file), remedy=f"ls -l {file}"
        ) from error


def decoded(text: str, where: str) -> dict[str, Any]:
    """Decode TOML, or say with a `ConfigurationError` at which line it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            f"the configuration is not TOML: {error}", where=where, remedy="mend that line; text needs quotes around it"
        ) from error
