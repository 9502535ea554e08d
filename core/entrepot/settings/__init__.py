"""TOML and environment, read once into one frozen value.

The names below are imported when they are first asked for: `entrepot.settings.source` is used where
checking a whole configuration would take too long.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from entrepot.settings.reading import load
    from entrepot.settings.structure import structure_options
    from entrepot.settings.values import RepositorySettings, Settings

__all__ = ["RepositorySettings", "Settings", "load", "structure_options"]

_HOMES = {"RepositorySettings": "values", "Settings": "values", "load": "reading", "structure_options": "structure"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
