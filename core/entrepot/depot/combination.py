"""Combinations as they are served: their repositories in order of rank, and how their type combines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from entrepot.errors import ConfigurationError
from entrepot.model.combining import Combining

if TYPE_CHECKING:
    from entrepot.hooks.manager import Plugins
    from entrepot.settings import Settings


@attrs.frozen
class Combination:
    """Several repositories under one name; of `members`, the earlier outranks the later.

    `pulling` are those among them that fetch what they are asked for. `made_by` names the plugin that
    makes files of theirs, and its version.
    """

    name: str
    type: str
    members: tuple[str, ...]
    pulling: frozenset[str]
    combining: Combining
    made_by: str = ""


def make_combination(settings: Settings, plugins: Plugins, name: str) -> Combination:
    """Make a configured combination.

    Raises `UnknownName` where no working plugin brings its type, and a `ConfigurationError` for a
    type with indexes of its own that does not say what becomes of them.
    """
    said = settings.combination(name)
    plugins.first_stage(said.type, where=said.place)
    publisher = plugins.publisher(said.type)
    combining: Combining | None = Combining()
    made_by = ""
    if publisher is not None:
        combining, made_by = publisher[1].combining, f"{publisher[0]}={plugins.version(publisher[0])}"
    if combining is None:
        raise ConfigurationError(
            f"repositories of type {said.type!r} cannot be served as one:"
            " what their indexes say together is said by none of them, and who made them vouches for no more",
            where=said.place,
            remedy=f"take it out, and have clients ask each one for itself: {', '.join(said.repositories)}",
        )
    pulling = (member for member in said.repositories if settings.repository(member).pull_through)
    return Combination(name, said.type, said.repositories, frozenset(pulling), combining, made_by)
