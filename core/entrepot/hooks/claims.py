"""Checking what a plugin registers, and that no two register one thing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import attrs

from entrepot.assembly.registrations import Executor, FirstStage, Importer, Publisher
from entrepot.errors import PluginError
from entrepot.model.content import Content, shape_of

#: What can stand behind `--from-`.
_OPTION: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

#: What a plugin may claim: how it is called, and the hook that claims it.
KINDS: Mapping[str, tuple[str, str]] = {
    "content type": ("content type", "entrepot_register_content_types"),
    "first stage": ("repository type", "entrepot_register_first_stages"),
    "publisher": ("publisher of repository type", "entrepot_register_publishers"),
    "downloader": ("URL scheme", "entrepot_register_downloaders"),
    "storage": ("storage scheme", "entrepot_register_storages"),
    "executor": ("executor", "entrepot_register_executors"),
    "importer": ("importer", "entrepot_register_first_stages"),
}


@attrs.frozen
class Claim:
    """One thing under one name, and the plugin that brought it."""

    kind: str
    name: str
    value: Any
    plugin: str


def claims_of(plugin: str, hook: str, answer: object) -> list[Claim]:
    """Check one answer to one register hook; `PluginError` says what is wrong with it."""
    kinds = [kind for kind, (_, hook_of_kind) in KINDS.items() if hook_of_kind == hook]
    if kinds:
        return [
            Claim(kind, name, value, plugin) for kind in kinds for name, value in _READERS[kind](plugin, hook, answer)
        ]
    raise PluginError(f"there is no register hook {hook!r}", where=f"plugin {plugin!r}")


def merge(
    claims: Iterable[Claim], brought_by: Mapping[str, str] = MappingProxyType({})
) -> tuple[dict[str, dict[str, Claim]], list[PluginError]]:
    """Sort claims by kind and name; a name claimed twice is an error that names both plugins.

    It names their distributions too, as far as `brought_by` says which those are.
    """
    held: dict[str, dict[str, Claim]] = {kind: {} for kind in KINDS}
    conflicts = []
    for claim in claims:
        first = held[claim.kind].setdefault(claim.name, claim)
        if first is not claim:
            conflicts.append(_conflict(first, claim, brought_by))
    return held, conflicts


def _conflict(first: Claim, second: Claim, brought_by: Mapping[str, str]) -> PluginError:
    called = KINDS[first.kind][0]
    if first.plugin == second.plugin:
        return PluginError(
            f"plugin {first.plugin!r} brings {called} {first.name!r} twice",
            where=f"plugin {first.plugin!r}, {KINDS[first.kind][1]}",
            remedy="give one of the two another name",
        )
    return PluginError(
        f"plugins {first.plugin!r} and {second.plugin!r} both bring {called} {first.name!r}",
        where=place_of(KINDS[first.kind][1], first.plugin, second.plugin, brought_by),
        remedy=f"leave one of them out: entrepot --block {second.plugin} ..., or uninstall it",
    )


def place_of(hook: str, first: str, second: str, brought_by: Mapping[str, str]) -> str:
    """Where two plugins clash: the hook, and the distributions to uninstall one of."""
    brought = [brought_by[plugin] for plugin in (first, second) if brought_by.get(plugin)]
    return f"{hook}, in {' and '.join(brought)}" if brought else hook


def _content_types(plugin: str, hook: str, answer: object) -> list[tuple[str, Any]]:
    classes = _listed(plugin, hook, answer, "content classes")
    for cls in classes:
        if not (isinstance(cls, type) and issubclass(cls, Content) and attrs.has(cls)):
            raise _refused(plugin, hook, cls, "an attrs class made from Content")
    return [(shape_of(cls).type, cls) for cls in classes]


def _values(kind: type[FirstStage] | type[Publisher]) -> Callable[[str, str, object], list[tuple[str, Any]]]:
    def read(plugin: str, hook: str, answer: object) -> list[tuple[str, Any]]:
        values = _listed(plugin, hook, answer, f"{kind.__name__} values")
        for value in values:
            if not isinstance(value, kind):
                raise _refused(plugin, hook, value, f"a {kind.__name__}")
            if not isinstance(value.type, str) or not value.type:
                raise _refused(plugin, hook, value.type, "a repository type's name")
            if not callable(value.make):
                raise _refused(plugin, hook, value.make, "a function that makes it from the context")
        return [(value.type, value) for value in values]

    return read


def _executors(plugin: str, hook: str, answer: object) -> list[tuple[str, Any]]:
    values = _listed(plugin, hook, answer, "Executor values")
    for value in values:
        if not isinstance(value, Executor):
            raise _refused(plugin, hook, value, "an Executor")
        if not isinstance(value.name, str) or not value.name:
            raise _refused(plugin, hook, value.name, "an executor's name")
        if not callable(value.make):
            raise _refused(plugin, hook, value.make, "a function that makes its runner from the context")
    return [(value.name, value) for value in values]


def _importers(plugin: str, hook: str, answer: object) -> list[tuple[str, Any]]:
    """Those of first stages that were checked already, each with its repository type."""
    stages = _listed(plugin, hook, answer, "FirstStage values")
    held = [(stage.type, one) for stage in stages for one in _listed(plugin, hook, stage.importers, "importers")]
    for _, one in held:
        if not isinstance(one, Importer):
            raise _refused(plugin, hook, one, "an Importer")
        if not isinstance(one.name, str) or not _OPTION.fullmatch(one.name):
            raise _refused(plugin, hook, one.name, "an importer's name, such as 'pip-config',")
        if not callable(one.read):
            raise _refused(plugin, hook, one.read, "a function that reads a client's configuration")
    return [(one.name, (kind, one)) for kind, one in held]


def _schemes(plugin: str, hook: str, answer: object) -> list[tuple[str, Any]]:
    if not isinstance(answer, Mapping):
        raise _refused(plugin, hook, answer, "a mapping from scheme to factory")
    for scheme, factory in answer.items():
        if not isinstance(scheme, str) or not scheme or scheme != scheme.lower():
            raise _refused(plugin, hook, scheme, "a scheme in lower case")
        if not callable(factory):
            raise _refused(plugin, hook, factory, f"a factory for scheme {scheme!r}")
    return list(answer.items())


_READERS: Mapping[str, Callable[[str, str, object], list[tuple[str, Any]]]] = {
    "content type": _content_types,
    "first stage": _values(FirstStage),
    "publisher": _values(Publisher),
    "downloader": _schemes,
    "storage": _schemes,
    "executor": _executors,
    "importer": _importers,
}


def _listed(plugin: str, hook: str, answer: object, of: str) -> Sequence[Any]:
    if not isinstance(answer, list | tuple):
        raise _refused(plugin, hook, answer, f"a list of {of}")
    return answer


def _refused(plugin: str, hook: str, found: object, expected: str) -> PluginError:
    return PluginError(
        f"{hook} answered {found!r} where {expected} is expected",
        where=f"plugin {plugin!r}",
        remedy=f"mend the plugin, or leave it out: entrepot --block {plugin} ...",
    )
