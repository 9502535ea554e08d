"""Adding a combination to a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot.depot.combination import make_combination
from entrepot.settings.editing import with_combination, write
from entrepot.settings.reading import parse

if TYPE_CHECKING:
    from entrepot.hooks.manager import Plugins
    from entrepot.settings import Settings


def combine(
    name: str, repositories: Sequence[str], file: Path, plugins: Plugins, *, environ: Mapping[str, str]
) -> Settings:
    """Write a combination into a configuration, and return what is configured then.

    What could not be served is raised here, and nothing is written.
    """
    text = with_combination(file.read_text(encoding="utf-8"), name, repositories, where=str(file))
    after = parse(text, file=file, environ=environ)
    make_combination(after, plugins, name)
    write(file, text)
    return after
