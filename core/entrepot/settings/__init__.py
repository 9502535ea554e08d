"""TOML and environment, read once into one frozen value."""

from __future__ import annotations

from entrepot.settings.reading import load
from entrepot.settings.structure import structure_options
from entrepot.settings.values import RepositorySettings, Settings

__all__ = ["RepositorySettings", "Settings", "load", "structure_options"]
