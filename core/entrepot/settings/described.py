"""What can be set, read from the attrs class that a table is checked against."""

from __future__ import annotations

import datetime
import enum
import inspect
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any, get_args

import attrs
import tomlkit

from entrepot.model.remote import Secret
from entrepot.settings.mistakes import example_as, expected_as

_SPANS = (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60))


@attrs.frozen
class Option:
    """One key of a table: what it takes, as a person writes it, and what it says.

    `default` and `value` are TOML; None where there is none. Where neither is, `example` shows the
    shape. `doc` is the field's own `metadata={"doc": ...}`.
    """

    key: str
    takes: str
    required: bool
    default: str | None
    value: str | None
    example: str
    doc: str = ""


def describe(cls: type[Any], said: Mapping[str, Any]) -> list[Option]:
    """Every key of a class of options in its order, and what a table says of it.

    A secret's value is shown only where it says where the secret is to be had. Raises whatever the
    annotations of the class raise when they cannot be resolved.
    """
    attrs.resolve_types(cls)
    return [_option(field, said) for field in attrs.fields(cls) if field.init]


def about(cls: type[Any]) -> str:
    """What the class says of itself; empty where it says nothing."""
    return inspect.cleandoc(cls.__doc__ or "")


def _option(field: attrs.Attribute[Any], said: Mapping[str, Any]) -> Option:
    key = field.name
    default = _default(field)
    hidden = _is_secret(field.type) and not isinstance(said.get(key), Mapping)
    value = None if key not in said else '"..."' if hidden else as_toml(said[key])
    words = "where a secret is to be had" if _is_secret(field.type) else expected_as(field.type)
    example = '{ env = "NAME" }' if _is_secret(field.type) else example_as(field.type)
    is_required = default is attrs.NOTHING
    shown = None if is_required else as_toml(default)
    return Option(key, words, is_required, shown, value, example, str(field.metadata.get("doc", "")))


def _default(field: attrs.Attribute[Any]) -> Any:
    default: Any = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # attrs types Factory as a function
        return None if default.takes_self else default.factory()
    return default


def _is_secret(kind: Any) -> bool:
    return kind is Secret or Secret in get_args(kind)


def as_toml(value: Any) -> str | None:
    """Write a value the way a configuration has it; None for what TOML cannot say."""
    plain = _plain(value)
    return None if plain is None else tomlkit.item(plain, _parent=tomlkit.array()).as_string()


def _plain(value: Any) -> Any:
    """The value in the types that TOML has; nothing that is None stands in a table."""
    if attrs.has(type(value)) and not isinstance(value, Secret):
        value = attrs.asdict(value, recurse=False)
    if isinstance(value, Mapping):
        table = tomlkit.inline_table()
        table.update({str(key): _plain(inner) for key, inner in value.items() if inner is not None})
        return table
    if isinstance(value, list | tuple | Set):
        items = [_plain(inner) for inner in value]
        return sorted(items, key=str) if isinstance(value, Set) else items
    return _plain_one(value)


def _plain_one(value: Any) -> Any:
    match value:
        case Secret():
            return "..."
        case enum.Enum():
            return value.value
        case Path():
            return str(value)
        case datetime.timedelta():
            return _span(value)
        case _:
            return value


def _span(value: datetime.timedelta) -> str:
    seconds = value.total_seconds()
    for unit, length in _SPANS:
        if seconds and seconds % length == 0:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:g}s"
