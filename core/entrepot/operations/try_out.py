"""Trying a repository out before it is configured."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from entrepot.depot import open_depot
from entrepot.download.errors import UnusableUrl
from entrepot.download.source import factory_for
from entrepot.errors import ConfigurationError
from entrepot.settings.values import AccessTable

if TYPE_CHECKING:
    from entrepot.hooks.manager import Plugins
    from entrepot.settings import Settings


def try_out(settings: Settings, plugins: Plugins, name: str) -> None:
    """Raise what a sync would say of a repository's URL and options before it asks upstream anything.

    Its first stage is made in a depot that is thrown away: the one of the settings need not be there,
    and is not touched. Secrets and options of other plugins are left aside: they may come later.
    """
    configured = settings.repository(name)
    tried = attrs.evolve(configured, plugins={}, access=AccessTable(allow_private=configured.allows_private))
    with tempfile.TemporaryDirectory(prefix="entrepot-") as folder:
        home = Path(folder)
        aside = attrs.evolve(
            settings,
            home=home,
            catalog=f"sqlite:///{home / 'catalog.sqlite'}",
            storage=(home / "storage").as_uri(),
            repositories={name: tried},
        )
        with open_depot(aside, plugins, create=True) as depot:
            if not tried.uploads:
                _check_url(depot.remote(name).url, plugins, where=tried.place)
            depot.begin(depot.request(name))


def _check_url(url: str, plugins: Plugins, *, where: str) -> None:
    try:
        factory_for(url, plugins.downloaders)
    except UnusableUrl as error:
        raise ConfigurationError(error.what, where=f"{where}.url", remedy=error.remedy) from error
