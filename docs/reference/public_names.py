"""The names that plugins and their tests may rely on: where they are, what they are, and what they take.

python docs/reference/public_names.py > tests/architecture/front_door.txt
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, NewType, get_origin

import attrs
import pytest

#: Every module that is promised, and what it is for. Names of other modules may change without a word.
MODULES = {
    "entrepot.plugin": "What a plugin imports, and nothing else.",
    "entrepot.testing": "What its tests import.",
    "entrepot.testing.pytest_plugin": "Fixtures, for who asks for them by name.",
    "entrepot.testing.stage_contract": "What every stage keeps, tried on yours.",
    "entrepot.testing.first_stage_contract": "What every first stage keeps, tried on yours.",
    "entrepot.testing.publisher_contract": "What every publisher keeps, tried on yours.",
    "entrepot.testing.format_contract": "What the two before this one are told of a format.",
    "entrepot.testing.storage_contract": "What every storage keeps, tried on yours.",
    "entrepot.testing.durable_storage_contract": "What a storage keeps that survives the process.",
    "entrepot.testing.downloader_contract": "What every downloader keeps, tried on yours.",
    "entrepot.testing.executor_contract": "What every executor keeps, tried on yours.",
    "entrepot.testing.strategies": "What hypothesis draws from.",
}

#: What pytest makes of a function that is a fixture; it has no public name.
_Fixture = type(pytest.fixture(lambda: None))


@attrs.frozen
class PublicName:
    """A name, in words that change when whoever uses it would notice; members are those of a class."""

    name: str
    kind: str
    signature: str
    says: str
    members: tuple[PublicName, ...] = ()


def public_names(module: str) -> list[PublicName]:
    """What a module promises, in the order of its list."""
    found = importlib.import_module(module)
    return [_told(name, getattr(found, name), found) for name in found.__all__]


def snapshot() -> str:
    """All modules, a line for each name and for each member of a class."""
    return "\n".join(f"{module}\n{''.join(_lines(public_names(module), '    '))}" for module in MODULES)


def _lines(names: list[PublicName] | tuple[PublicName, ...], indent: str) -> Iterator[str]:
    for one in names:
        yield f"{indent}{one.kind} {one.name}{one.signature}\n"
        yield from _lines(one.members, indent + "    ")


def _told(name: str, thing: Any, module: types.ModuleType) -> PublicName:
    says = inspect.getdoc(thing) or ""
    if inspect.isclass(thing):
        is_protocol = bool(getattr(thing, "_is_protocol", False))
        kind = "error" if issubclass(thing, BaseException) else "protocol" if is_protocol else "class"
        return PublicName(
            name, kind, ("" if is_protocol else _signature(thing)) + _kind_of(thing), says, tuple(_members(thing))
        )
    if isinstance(thing, types.ModuleType):
        values = [PublicName(key, "value", f" = {value!r}", "") for key, value in vars(thing).items() if key.isupper()]
        return PublicName(name, "module", "", says, tuple(values))
    if isinstance(thing, _Fixture):
        says_type = inspect.get_annotations(inspect.unwrap(thing)).get("return", "")
        return PublicName(name, "fixture", f": {_plain(says_type)}", says)
    return _bare(name, thing, module)


def _bare(name: str, thing: Any, module: types.ModuleType) -> PublicName:
    if inspect.isroutine(thing):
        return PublicName(name, _way(thing), _signature(thing), inspect.getdoc(thing) or "")
    says = _said_beside(name, module)
    if isinstance(thing, NewType):
        return PublicName(name, "type", f" = NewType({name!r}, {thing.__supertype__.__name__})", says)
    if isinstance(thing, types.UnionType) or get_origin(thing) is not None:
        return PublicName(name, "type", f" = {_plain(thing)}", says)
    return PublicName(name, "value", f": {type(thing).__name__}", says)


def _way(thing: Callable[..., Any]) -> str:
    return "coroutine" if inspect.iscoroutinefunction(inspect.unwrap(thing)) else "function"


@functools.cache
def _promised() -> frozenset[type]:
    """Every class that has a place of its own in the list."""
    modules = [importlib.import_module(module) for module in MODULES]
    things = [getattr(module, name) for module in modules for name in module.__all__]
    return frozenset(thing for thing in things if inspect.isclass(thing))


def _kind_of(thing: type) -> str:
    """What it inherits from, of what is promised."""
    parents = [cls.__name__ for cls in thing.__mro__[1:] if cls in _promised()]
    return f" is {parents[0]}" if parents else ""


def _members(thing: type) -> Iterator[PublicName]:
    """Whatever is public in a class and in parents of ours that have no place in the list, by name."""
    found: dict[str, PublicName] = {}
    elsewhere = {cls for parent in thing.__mro__[1:] if parent in _promised() for cls in parent.__mro__}
    parents = [cls for cls in thing.__mro__[1:] if cls.__module__.startswith("entrepot.") and cls not in elsewhere]
    for cls in reversed([thing, *parents]):
        source = inspect.getsource(cls)
        for name, annotation in inspect.get_annotations(cls).items():
            found[name] = PublicName(name, "attribute", f": {_plain(annotation)}", _beside(name, source))
        for name, value in vars(cls).items():
            if (told := _member(name, value)) is not None:
                found[name] = told
    yield from (found[name] for name in sorted(found) if not name.startswith(("_", "test_")))


def _member(name: str, value: Any) -> PublicName | None:
    plain = value.__func__ if isinstance(value, classmethod | staticmethod) else value
    skip = 0 if isinstance(value, staticmethod) else 1
    if isinstance(plain, property):
        returns = inspect.get_annotations(plain.fget).get("return", "") if plain.fget else ""
        return PublicName(name, "property", f": {_plain(returns)}", inspect.getdoc(plain) or "")
    if inspect.isfunction(plain):
        return PublicName(name, _way(plain), _signature(plain, skip), inspect.getdoc(plain) or "")
    return None


def _signature(thing: Callable[..., Any], skip: int = 0) -> str:
    try:
        signature = inspect.signature(thing)
    except ValueError:  # an error without a constructor of its own takes what any exception takes
        return "(*args)"
    told, before = [], None
    for parameter in list(signature.parameters.values())[skip:]:
        if parameter.kind is parameter.KEYWORD_ONLY and before not in (
            parameter.KEYWORD_ONLY,
            parameter.VAR_POSITIONAL,
        ):
            told.append("*")
        if before is parameter.POSITIONAL_ONLY and parameter.kind is not before:
            told.append("/")
        before = parameter.kind
        told.append(_parameter(parameter))
    returns = signature.return_annotation
    arrow = "" if inspect.isclass(thing) or returns is signature.empty else f" -> {_plain(returns)}"
    return f"({', '.join(told)}){arrow}"


def _parameter(parameter: inspect.Parameter) -> str:
    star = "*" * (parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD))
    star *= 1 + (parameter.kind is parameter.VAR_KEYWORD)
    text = f"{star}{parameter.name}"
    if parameter.annotation is not parameter.empty:
        text += f": {_plain(parameter.annotation)}"
    if parameter.default is parameter.empty:
        return text
    default = repr(parameter.default)
    return f"{text} = {'...' if default.startswith('<') or default == 'NOTHING' else default}"


def _plain(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation
    text = getattr(annotation, "__forward_arg__", None) or inspect.formatannotation(annotation)
    text = re.sub(r"ForwardRef\('([^']*)'\)", r"\1", text)
    return re.sub(r"\b(entrepot|collections|hypothesis|typing)\.(\w+\.)*", "", text)


def _said_beside(name: str, module: types.ModuleType) -> str:
    """What the source says of a name that can carry no docstring: above it after `#:`, or in the string below it."""
    while (origin := _imported_from(name, module)) is not None:
        module = importlib.import_module(origin)
    return _beside(name, inspect.getsource(module))


def _imported_from(name: str, module: types.ModuleType) -> str | None:
    imports = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.ImportFrom)]
    return next((node.module for node in imports if any(alias.name == name for alias in node.names)), None)


def _beside(name: str, source: str) -> str:
    above = re.search(rf"((?:^ *#: .*\n)+) *{name}\b *[:=]", source, re.MULTILINE)
    if above is not None:
        return " ".join(line.strip().removeprefix("#:").strip() for line in above[1].splitlines())
    below = re.search(rf'^ *{name}\b *[:=].*\n *"""([^"]+)"""', source, re.MULTILINE)
    return " ".join(below[1].split()) if below is not None else ""


if __name__ == "__main__":
    sys.stdout.write(snapshot())
