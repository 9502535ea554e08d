"""A depot in a temporary folder, with the plugins and repositories that a test is about."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import attrs
import tomlkit

from entrepot import builtin
from entrepot.depot import Depot, open_depot
from entrepot.hooks.manager import Plugins
from entrepot.settings import load
from entrepot.testing.clock import Clock


@contextmanager
def depot(
    folder: Path,
    repositories: Mapping[str, Mapping[str, Any]],
    *,
    plugins: Sequence[tuple[str, object]] = (),
    combined: Mapping[str, Mapping[str, Any]] | None = None,
    catalog: str | None = None,
    installed: bool = True,
    clock: Callable[[], float] = time.time,
) -> Iterator[Depot]:
    """Open a depot below `folder`, made when it is not there, with the repositories as configured.

    `plugins` are names and modules (or any object with hooks); with `installed`, plugins found by
    their entry points take part as everywhere. `combined` are combinations of repositories, by name.
    `catalog` is the URL of a database other than a SQLite file in the folder, `clock` what tells
    seconds since 1970 in place of the machine's.
    The same folder can be opened again, with other repositories, plugins or options; by several
    processes at once, where all say the same.

    >>> with depot(tmp_path, {"tools": {"type": "file", "url": origin.url("/PULP_MANIFEST")}}) as opened:
    ...     outcome = asyncio.run(sync(opened, "tools"))
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "entrepot.toml"
    table = {"catalog": catalog} if catalog is not None else {}
    said = tomlkit.dumps({"depot": table, "repositories": repositories, "combined": combined or {}})
    if not file.exists() or file.read_text() != said:  # another process may be reading it
        file.write_text(said)
    settings = load(file, environ={}, home=folder / "home")
    loaded = Plugins.load(builtin=builtin, extra=plugins, installed=installed)
    with open_depot(settings, loaded, create=True, clock=clock) as opened:
        yield opened


@attrs.frozen
class OpenDepot:
    """Opens the depot of one test, again and again: always in the same folder, by the same clock."""

    #: Where the depot is.
    folder: Path
    #: Virtual time, which every opening goes by.
    clock: Clock

    def __call__(
        self,
        repositories: Mapping[str, Mapping[str, Any]],
        *,
        plugins: Sequence[tuple[str, object]] = (),
        installed: bool = True,
    ) -> AbstractContextManager[Depot]:
        """Open it with these repositories; the rest is as `entrepot.testing.depot` says."""
        return depot(self.folder, repositories, plugins=plugins, installed=installed, clock=self.clock)
