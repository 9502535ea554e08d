"""Options: all that can be set for a repository, by its type and by each plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from entrepot.assembly.default_plan import default_plan
from entrepot.errors import EntrepotError
from entrepot.settings.described import Option, about, describe

if TYPE_CHECKING:
    from entrepot.depot import Depot


@attrs.frozen
class OptionTable:
    """One table: its name in the configuration, whose it is, what may stand there, and what is wrong.

    `options` is empty for a plugin that takes none, and where `wrong` says that it could not be asked.
    """

    name: str
    plugin: str
    about: str = ""
    options: tuple[Option, ...] = ()
    wrong: tuple[str, ...] = ()


@attrs.define
class _Asked:
    """Reads tables for plugins that edit a plan nobody runs, and remembers who asked for which class."""

    read: Any
    classes: dict[str, type[Any]] = attrs.field(factory=dict)

    def __call__(self, plugin: str, cls: type[Any]) -> Any:
        self.classes[plugin] = cls
        return self.read(plugin, cls)


def options(depot: Depot, name: str) -> list[OptionTable]:
    """Ask the repository's type and every plugin what can be set; nothing is fetched.

    A plugin says it by asking for its options when it is asked to edit a plan. What is wrong with
    what is configured is told in its table, and harms no other.
    """
    configured = depot.settings.repository(name)
    first, owner = depot.first_stage(name), depot.plugins.origin("first stage", configured.type)
    prefix = f"repositories.{name}"
    try:
        request = depot.request(name)
        plan = default_plan(depot.begin(request), plugin=owner, mirror=request.mirror)
    except (EntrepotError, ExceptionGroup) as error:
        return [_table(f"{prefix}.options", owner, first.options, said=configured.options, wrong=_told(error))]
    asked = _Asked(request.read_table)
    trouble = depot.plugins.try_edits(plan, attrs.evolve(request, read_table=asked))
    tables = [_table(f"{prefix}.options", owner, first.options, said=configured.options)]
    for plugin in sorted({*asked.classes, *configured.plugins, *trouble}):
        cls, said = asked.classes.get(plugin), configured.plugins.get(plugin, {})
        wrong = _told(trouble[plugin]) if plugin in trouble else ()
        if said and cls is None and not wrong:
            wrong = ("nobody reads this table: entrepot plugins",)
        tables.append(_table(f"{prefix}.plugins.{plugin}", plugin, cls, said=said, wrong=wrong))
    return tables


def _table(
    name: str, plugin: str, cls: type[Any] | None, *, said: Mapping[str, Any], wrong: tuple[str, ...] = ()
) -> OptionTable:
    if cls is None:
        return OptionTable(name, plugin, wrong=wrong)
    try:
        return OptionTable(name, plugin, about(cls), tuple(describe(cls, said)), wrong)
    except (attrs.exceptions.NotAnAttrsClassError, TypeError, NameError) as error:
        return OptionTable(name, plugin, wrong=wrong or (f"its class of options cannot be read: {error}",))


def _told(error: Exception) -> tuple[str, ...]:
    errors = error.exceptions if isinstance(error, ExceptionGroup) else [error]
    return tuple(str(each) for each in errors)
