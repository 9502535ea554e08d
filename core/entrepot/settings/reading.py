"""Finding the configuration, reading it, and filling in what it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from entrepot.errors import ConfigurationError
from entrepot.settings.combined import read_combined
from entrepot.settings.mistakes import together
from entrepot.settings.repository_table import read_repository
from entrepot.settings.secret_source import expanded
from entrepot.settings.source import FILE_NAME, LOAD_TIMEOUT, blocked_in, decoded, find, text_of
from entrepot.settings.structure import make_converter, structure
from entrepot.settings.values import LOOP_TIMEOUT, STALL_TIMEOUT, RepositorySettings, Settings, Surroundings


@attrs.frozen(kw_only=True)
class DepotTable:
    """`[depot]` as it is written."""

    home: str | None = None
    catalog: str | None = None
    storage: str | None = None
    blocked: tuple[str, ...] = ()
    executor: str = "local"
    executors: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    stall_timeout: float = attrs.field(default=STALL_TIMEOUT, validator=attrs.validators.ge(0))
    sync_timeout: float = attrs.field(default=0.0, validator=attrs.validators.ge(0))
    loop_timeout: float = attrs.field(default=LOOP_TIMEOUT, validator=attrs.validators.ge(0))
    load_timeout: float = attrs.field(default=LOAD_TIMEOUT, validator=attrs.validators.ge(0))


@attrs.frozen(kw_only=True)
class FileTable:
    """The whole file as it is written; repositories and combinations are read one by one."""

    depot: DepotTable = attrs.field(factory=DepotTable)
    repositories: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    combined: Mapping[str, Any] = attrs.field(factory=dict)


def load(
    file: Path | None, *, environ: Mapping[str, str], home: Path | None = None, folder: Path | None = None
) -> Settings:
    """Read the configuration: the file given, else ENTREPOT_CONFIG, else `entrepot.toml` in `folder`.

    `folder` is the current one unless given. Without any file there are no repositories, and the
    rest are defaults. `home` and ENTREPOT_HOME go before what the file says, ENTREPOT_BLOCK adds
    to it. Secrets are not read here. What is wrong is a `ConfigurationError`, or an
    `ExceptionGroup` of them.
    """
    found = find(file, environ=environ, folder=folder)
    text = "" if found is None else text_of(found)
    return parse(text, file=found, environ=environ, home=home)


def parse(text: str, *, file: Path | None, environ: Mapping[str, str], home: Path | None = None) -> Settings:
    """Read the text of a configuration; `file` is where it stands or will stand."""
    where = str(file) if file else FILE_NAME
    table = structure(FileTable, decoded(text, where), where=where, converter=make_converter(environ))
    surroundings = Surroundings(environ=environ, folder=file.parent if file else None)
    repositories = _repositories(table.repositories, where, surroundings)
    combined = read_combined(table.combined, repositories, file=where, surroundings=surroundings)
    base = _home(table.depot, environ, home, surroundings.folder)
    return Settings(
        file=file,
        home=base,
        catalog=_catalog(table.depot.catalog, base, surroundings),
        storage=table.depot.storage or (base / "storage").as_uri(),
        blocked=tuple(dict.fromkeys([*table.depot.blocked, *blocked_in(environ)])),
        executor=table.depot.executor,
        executors=table.depot.executors,
        stall_timeout=table.depot.stall_timeout,
        sync_timeout=table.depot.sync_timeout,
        loop_timeout=table.depot.loop_timeout,
        load_timeout=table.depot.load_timeout,
        repositories=repositories,
        combined=combined,
        environ=environ,
    )


def _repositories(
    raw: Mapping[str, Mapping[str, Any]], where: str, surroundings: Surroundings
) -> dict[str, RepositorySettings]:
    """Read them all before complaining, so that one run tells every mistake."""
    read: dict[str, RepositorySettings] = {}
    wrong: list[Exception] = []
    for name, table in raw.items():
        try:
            read[name] = read_repository(name, table, file=where, surroundings=surroundings)
        except (ConfigurationError, ExceptionGroup) as error:
            wrong.append(error)
    if wrong:
        raise together(wrong, where)
    return read


def _home(table: DepotTable, environ: Mapping[str, str], home: Path | None, folder: Path | None) -> Path:
    """From the command line, the environment or the file, in this order; else the user's data folder."""
    if home is not None or environ.get("ENTREPOT_HOME"):
        return expanded(home or Path(environ["ENTREPOT_HOME"]), environ, None).absolute()
    if table.home is not None:
        return expanded(Path(table.home), environ, folder).absolute()
    data = environ.get("XDG_DATA_HOME") or "~/.local/share"
    return expanded(Path(data) / "entrepot", environ, None).absolute()


def _catalog(url: str | None, home: Path, surroundings: Surroundings) -> str:
    """A SQLite file in the home unless said otherwise; a relative one lies beside the configuration."""
    if url is None:
        return f"sqlite:///{home / 'catalog.sqlite'}"
    scheme, separator, path = url.partition(":///")
    if scheme != "sqlite" or not separator or not path:
        return url
    return f"sqlite:///{expanded(Path(path), surroundings.environ, surroundings.folder)}"
