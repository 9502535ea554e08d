"""Plugins: what each brought, as far as it can be told without a repository."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import attrs

from entrepot.hooks.record import BUILTIN
from entrepot.pipeline.stage import Stage

if TYPE_CHECKING:
    from entrepot.hooks.manager import Plugins


@attrs.frozen
class Brought:
    """What one plugin registered, each in order of name, and the stages that its package has.

    Into which syncs its stages go depends on the repository: `stages` of `entrepot.operations` tells.
    """

    content_types: tuple[str, ...] = ()
    repository_types: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()
    storages: tuple[str, ...] = ()
    downloaders: tuple[str, ...] = ()
    executors: tuple[str, ...] = ()
    importers: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What programs get, beside what else is known of the plugin."""
        return {name: list(names) for name, names in attrs.asdict(self).items()}

    def told(self) -> str:
        """In words, without what there is none of."""
        return "; ".join(
            f"{name.replace('_', ' ')} {', '.join(names)}" for name, names in attrs.asdict(self).items() if names
        )


def brought(plugins: Plugins, name: str) -> Brought:
    """What a plugin brought; of a claim that two make, the first has it."""
    kinds = {
        "content_types": ("content type", plugins.content_types),
        "repository_types": ("first stage", plugins.first_stages),
        "publishers": ("publisher", plugins.publishers),
        "storages": ("storage", plugins.storages),
        "downloaders": ("downloader", plugins.downloaders),
        "executors": ("executor", plugins.executors),
        "importers": ("importer", plugins.importers),
    }
    registered = {
        field: tuple(sorted(claimed for claimed in held if plugins.origin(kind, claimed) == name))
        for field, (kind, held) in kinds.items()
    }
    return Brought(**registered, stages=_stages(plugins, name))


def _stages(plugins: Plugins, name: str) -> tuple[str, ...]:
    """Stages whose code the plugin's package holds; one that is private to a module is none of its own."""
    if any(record.name == name and record.distribution for record in plugins.records) and name != BUILTIN:
        _import_all(plugins.package_of(name))
    found = {
        stage.__name__
        for stage in _subclasses(Stage)
        if not stage.__name__.startswith("_") and plugins.owner_of(stage.__module__.partition(".")[0]) == name
    }
    return tuple(sorted(found))


def _import_all(package: str) -> None:
    """Import what a plugin imports only where it is needed; what cannot be imported has no stages to list."""
    for module in pkgutil.iter_modules(getattr(sys.modules[package], "__path__", ()), f"{package}."):
        if not module.name.endswith(".__main__"):
            with suppress(Exception, SystemExit):  # as of an extra that is not installed
                importlib.import_module(module.name)
                _import_all(module.name)


def _subclasses(cls: type[Any]) -> Iterator[type[Any]]:
    for subclass in cls.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)
