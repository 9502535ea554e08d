"""What was asked for on the command line, and what it is asked in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from entrepot.cli.output import note, one_line

if TYPE_CHECKING:
    from entrepot.depot import Depot
    from entrepot.hooks.manager import Plugins
    from entrepot.model.job import SyncJob
    from entrepot.settings import Settings


@attrs.define
class Invocation:
    """One run of the program: the environment, and the global options as far as they were read.

    `plugins_handed_in` and `installed` are for programs and tests that bring plugins of their own.
    """

    environ: Mapping[str, str] = attrs.field(repr=False)
    plugins_handed_in: Sequence[tuple[str, object]] = ()
    installed: bool = True
    config: Path | None = None
    home: Path | None = None
    json: bool = False
    debug: bool = False
    block: tuple[str, ...] = ()

    def settings(self) -> Settings:
        """Read the configuration as the options say."""
        from entrepot.settings import load  # noqa: PLC0415  # completion and usage errors need no settings

        settings = load(self.config, environ=self.environ, home=self.home)
        return attrs.evolve(settings, blocked=tuple(dict.fromkeys([*settings.blocked, *self.block])))

    def plugins(self, settings: Settings | None = None, *, even_clashing: bool = False) -> Plugins:
        """Load plugins but for the blocked ones; a block that fits none is told on stderr.

        Without `settings`, the configuration is read only as far as it says what is blocked.
        """
        from entrepot import builtin  # noqa: PLC0415  # `--help` of one command needs no plugins
        from entrepot.hooks.manager import Plugins  # noqa: PLC0415  # it imports every plugin

        blocked = settings.blocked if settings is not None else self._blocked()
        load = Plugins.survey if even_clashing else Plugins.load
        extra, installed = self.plugins_handed_in, self.installed
        with self.loading() as begin:
            plugins = load(blocked=blocked, builtin=builtin, extra=extra, installed=installed, begin=begin)
        for name in plugins.unknown_blocks:
            click.echo(f"warning: there is no plugin {name!r} to block; there are: entrepot plugins", err=True)
        return plugins

    @contextmanager
    def loading(self) -> Iterator[Callable[[str], None]]:
        """End the process when a plugin's code does not return in time; yields whom to tell which is asked."""
        from entrepot.cli.load_watch import watched_loading  # noqa: PLC0415  # only where plugins are loaded
        from entrepot.settings.source import load_timeout  # noqa: PLC0415  # reads no more than that

        with watched_loading(load_timeout(self.config, environ=self.environ)) as begin:
            yield begin

    def _blocked(self) -> tuple[str, ...]:
        from entrepot.settings.source import blocked_plugins  # noqa: PLC0415  # reads no more than that

        return tuple(dict.fromkeys([*blocked_plugins(self.config, environ=self.environ), *self.block]))

    def jobs(self, settings: Settings, names: Sequence[str], *, options: Sequence[str]) -> list[SyncJob]:
        """One sync for each name, for whoever runs it with the configuration, home and blocks of this one."""
        from entrepot.model.job import SyncJob  # noqa: PLC0415  # only what syncs needs it

        file = ["--config", str(settings.file)] if settings.file is not None else []
        blocks = [word for name in self.block for word in ("--block", name)]
        depot = (*file, "--home", str(settings.home), *blocks, *(["--debug"] if self.debug else []))
        program = (sys.executable, "-P", "-m", "entrepot")
        return [SyncJob(repository=name, options=tuple(options), depot=depot, program=program) for name in names]

    @contextmanager
    def depot(self, *, create: bool = False) -> Iterator[Depot]:
        """Open the depot that the configuration names; plugins that are broken are told on stderr."""
        from entrepot.depot import open_depot  # noqa: PLC0415  # brings the database along

        settings = self.settings()
        plugins = self.plugins(settings)
        for record in plugins.records:
            if record.state == "broken":
                why = one_line(record.reason, 300)
                note(f"warning: plugin {record.name!r} is broken and takes no part: {why}; see: entrepot plugins")
        with open_depot(settings, plugins, create=create) as depot:
            yield depot
