"""What is wrong with a configuration, told with the key, what was expected, and what was found."""

from __future__ import annotations

import datetime
import enum
import types
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError

from entrepot.errors import ConfigurationError, did_you_mean

_NAMES: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    datetime.datetime: "a date and time",
    datetime.date: "a date",
    datetime.time: "a time of day",
    datetime.timedelta: "a duration such as '7d'",
    list: "a list",
    tuple: "a list",
    set: "a list",
    frozenset: "a list",
    dict: "a table",
    Path: "a path",
    type(None): "nothing",
}


_EXAMPLES: Mapping[Any, str] = {
    bool: "true",
    int: "10",
    float: "1.5",
    str: '"..."',
    datetime.datetime: "2026-11-01T00:00:00Z",
    datetime.date: "2026-11-01",
    datetime.time: "12:00:00",
    datetime.timedelta: '"7d"',
    Path: '"..."',
}
_LONGEST_QUOTE = 40


class Mismatch(ConfigurationError):
    """A value of the configuration is not of the kind that its key takes."""

    def __init__(self, expected: str, found: object, *, hint: str = "") -> None:
        super().__init__(f"expected {expected}, found {found_as(found)}{hint}")
        self.expected, self.found = expected, found


def found_as(value: object) -> str:
    """Name a value the way a person wrote it, cut short; tables are not printed, they may hold secrets."""
    match value:
        case Mapping():
            return "a table"
        case list():
            return "a list"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value if len(value) <= _LONGEST_QUOTE else value[: _LONGEST_QUOTE - 3] + '...'!r}"
        case _:
            return f"{value}"


def expected_as(kind: Any) -> str:
    """Name a type in the words of somebody who writes a configuration."""
    inner = [part for part in get_args(kind) if part is not type(None)]
    if choices := _choices(kind):
        return "one of " + ", ".join(repr(choice) for choice in choices)
    if is_union(kind):
        return " or ".join(expected_as(part) for part in inner)
    if is_table(kind):
        return "a table"
    if is_list(kind):
        if not inner or inner[0] is Any:
            return "a list"
        return "a list of tables" if is_table(inner[0]) else f"a list of {expected_as(inner[0])}"
    return _NAMES.get(kind, getattr(kind, "__name__", str(kind)))


def example_as(kind: Any) -> str:
    """Write a value of a type as TOML has it, for a remedy."""
    inner = [part for part in get_args(kind) if part is not type(None)]
    if choices := _choices(kind):
        return f'"{choices[0]}"' if isinstance(choices[0], str) else str(choices[0])
    if is_union(kind):
        return example_as(inner[0])
    if is_table(kind):
        return "{ ... }"
    if is_list(kind):
        return f"[{example_as(inner[0])}]" if inner else "[...]"
    return _EXAMPLES.get(kind, "...")


def _choices(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    is_enum = isinstance(kind, type) and issubclass(kind, enum.Enum)
    return tuple(member.value for member in kind) if is_enum else ()


def is_union(kind: Any) -> bool:
    """Whether values of a type are of one of several; `X | None` is such a type."""
    return get_origin(kind) in (Union, types.UnionType)


def union_parts(kind: Any) -> list[Any]:
    """The types that values may be of; TOML has no None."""
    return [part for part in get_args(kind) if part is not type(None)]


def is_table(kind: Any) -> bool:
    """Whether values of a type are written as tables."""
    container = get_origin(kind) or kind
    return isinstance(container, type) and (attrs.has(container) or issubclass(container, Mapping))


def is_list(kind: Any) -> bool:
    """Whether values of a type are written as lists."""
    container = get_origin(kind) or kind
    return isinstance(container, type) and container is not str and issubclass(container, Sequence | Set)


def below(where: str, key: str) -> str:
    """The place of a key in a table; `where` is a file, or a file and a table."""
    return f"{where}.{key}" if ", " in where else f"{where}, {key}"


def choice_of(choices: Sequence[Any], found: object) -> Mismatch:
    """Say which values there are to choose from, and which one was probably meant."""
    names = [choice for choice in choices if isinstance(choice, str)]
    hint = did_you_mean(found, names) if isinstance(found, str) else ""
    return Mismatch("one of " + ", ".join(repr(choice) for choice in choices), found, hint=hint)


def unknown_key(key: str, known: Sequence[str], where: str) -> ConfigurationError:
    """Say that a key means nothing here, and what does."""
    hint = did_you_mean(key, known)
    what_to_do = "correct it or take it out"
    if "options" in known and not hint:
        what_to_do = f"if it is an option of the type, move it below [{where.rpartition(', ')[2]}.options]"
    return ConfigurationError(
        f"there is no key {key!r} here{hint}",
        where=where,
        remedy=f"{what_to_do}; keys here are: {', '.join(known) or 'none'}",
    )


def mistakes(error: Exception, where: str, kind: Any = None) -> Iterator[ConfigurationError]:
    """Tell everything that is wrong, one error for each key; `where` names the file and the table."""
    match error:
        case ClassValidationError():
            attributed, others = error.group_exceptions()
            for inner, note in attributed:
                yield from mistakes(inner, below(where, note.name), note.type)
            for inner in others:
                yield from mistakes(inner, where, error.cl)
        case IterableValidationError():
            items, others = error.group_exceptions()
            for inner, place in items:
                at = f"{where}[{place.index}]" if isinstance(place.index, int) else below(where, place.index)
                yield from mistakes(inner, at, place.type)
            for inner in others:
                yield from mistakes(inner, where, kind)
        case _:
            yield from _single(error, where, kind)


def together(told: Sequence[Exception], where: str) -> Exception:
    """Make one error of one mistake, and a group of several; groups among them are opened."""
    flat = [inner for error in told for inner in (error.exceptions if isinstance(error, ExceptionGroup) else [error])]
    return flat[0] if len(flat) == 1 else ExceptionGroup(f"{len(flat)} mistakes in {where}", flat)


def _single(error: Exception, where: str, kind: Any) -> Iterator[ConfigurationError]:
    match error:
        case ForbiddenExtraKeysError():
            known = [field.name for field in attrs.fields(error.cl) if field.init]
            yield from (unknown_key(key, known, where) for key in sorted(error.extra_fields))
        case KeyError():
            key = _key(where)
            yield ConfigurationError(
                f"{key!r} is missing; it takes {expected_as(kind)}",
                where=where.removesuffix(key).rstrip("., "),
                remedy=f"add it: {key} = {example_as(kind)}",
            )
        case Mismatch():
            example = example_as(kind)
            remedy = f"write {example} there" if where.endswith("]") else f"write {_key(where)} = {example}"
            yield ConfigurationError(error.what, where=where, remedy=remedy)
        case ConfigurationError():
            error.at(where)
            yield error
        case _:
            yield ConfigurationError(_told(error), where=where, remedy="correct the value of this key")


def _key(where: str) -> str:
    return where.replace(", ", ".").rpartition(".")[2].partition("[")[0]


def _told(error: Exception) -> str:
    """The text of a validator or converter; attrs adds what programs need after it."""
    text = str(error.args[0]) if error.args and isinstance(error.args[0], str) else f"{type(error).__name__}: {error}"
    return text.rstrip(".")
