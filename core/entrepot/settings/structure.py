"""Raw tables to attrs values, strictly: nothing is guessed, turned into text or passed over."""

from __future__ import annotations

import datetime
import enum
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, overload

import attrs
from cattrs import Converter
from cattrs.errors import IterableValidationError, IterableValidationNote, StructureHandlerNotFoundError
from cattrs.strategies import configure_union_passthrough

from entrepot.errors import EntrepotError, PluginError
from entrepot.model.remote import Secret
from entrepot.settings.mistakes import (
    Mismatch,
    choice_of,
    expected_as,
    is_list,
    is_table,
    is_union,
    mistakes,
    together,
    union_parts,
    unknown_key,
)
from entrepot.settings.secret_source import SecretSource
from entrepot.settings.share import Share

T = TypeVar("T")

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@overload
def structure_options(
    cls: type[T], raw: Mapping[str, Any], *, where: str, environ: Mapping[str, str] | None = None
) -> T: ...
@overload
def structure_options(
    cls: None, raw: Mapping[str, Any], *, where: str, environ: Mapping[str, str] | None = None
) -> None: ...
def structure_options(
    cls: type[T] | None, raw: Mapping[str, Any], *, where: str, environ: Mapping[str, str] | None = None
) -> T | None:
    """Make a plugin's attrs class out of its table.

    `where` names the file and the table, such as "entrepot.toml, repositories.tools.options"; keys
    are told after it. Without a class there must be no options. What is wrong is a
    `ConfigurationError`, several mistakes are an `ExceptionGroup` of them; a class that cannot be
    read from a table at all is a `PluginError`. Fields of type `Secret` are read from `environ`.
    """
    if cls is not None:
        _check_is_attrs(cls, where)
        return structure(cls, raw, where=where, converter=make_converter(environ or {}))
    if raw:
        raise unknown_key(sorted(raw)[0], [], where)
    return None


def _check_is_attrs(cls: Any, where: str) -> None:
    if not (isinstance(cls, type) and attrs.has(cls)):
        raise PluginError(
            f"options are to be read into {cls!r}, which is no attrs class",
            where=where,
            remedy="decorate the class with @attrs.frozen, or leave the plugin out: entrepot --block PLUGIN ...",
        )


def structure(cls: type[T], raw: Mapping[str, Any], *, where: str, converter: Converter) -> T:
    """Structure one table, and tell what is wrong with it."""
    try:
        return converter.structure(raw, cls)
    except Exception as error:  # a plugin's validators and converters may raise anything
        for cause in _leaves(error):
            if isinstance(cause, StructureHandlerNotFoundError | NameError):
                raise _unfit(cls, cause, where) from error
            if not raw and not isinstance(cause, ValueError | TypeError | KeyError | EntrepotError):
                raise _unmade(cls, cause, where) from error
        raise together(list(mistakes(error, where, cls)), where) from error


def _leaves(error: Exception) -> Iterator[Exception]:
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _unfit(cls: type, cause: Exception, where: str) -> PluginError:
    return PluginError(
        f"options class {cls.__qualname__!r} has a field that no table can fill: {cause}",
        where=where,
        remedy="use text, numbers, booleans, dates, durations, tuples, mappings and attrs classes",
    )


def _unmade(cls: type, cause: Exception, where: str) -> PluginError:
    return PluginError(
        f"options class {cls.__qualname__!r} cannot be made of its defaults: {type(cause).__name__}: {cause}",
        where=where,
        remedy="mend the default in the plugin, or leave the plugin out: entrepot --block PLUGIN ...",
    )


def make_converter(environ: Mapping[str, str]) -> Converter:
    """A converter of its own for each reading: no two share their hooks."""
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    configure_union_passthrough(str | bool | int | float | None, converter)
    for kind in (str, bool, datetime.date, datetime.time, datetime.datetime):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(int, _whole_number)
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(Path, _path)
    converter.register_structure_hook(datetime.timedelta, _duration)
    converter.register_structure_hook(SecretSource, SecretSource.read)
    converter.register_structure_hook(Share, Share.read)
    converter.register_structure_hook_func(_is_choice_of_types, _one_of(converter))
    converter.register_structure_hook_func(lambda kind: kind == (str | SecretSource), _text_or_source)
    converter.register_structure_hook(Secret, lambda value, _: SecretSource.read(value).resolve(environ))
    converter.register_structure_hook_func(_is_literal, _literal)
    converter.register_structure_hook(enum.Enum, _member)
    converter.register_structure_hook_func(is_list, _sequence(converter))
    converter.register_structure_hook_func(is_table, _mapping(converter))
    converter.register_structure_hook_factory(attrs.has, lambda cls: _table(converter, cls))
    return converter


def _exactly(value: Any, kind: type[T]) -> T:
    if type(value) is not kind:
        raise Mismatch(expected_as(kind), value)
    return value


def _whole_number(value: Any, _: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Mismatch(expected_as(int), value)
    return value


def _number(value: Any, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Mismatch(expected_as(float), value)
    return float(value)


def _path(value: Any, _: Any) -> Path:
    return Path(_exactly(value, str))


def _duration(value: Any, kind: Any) -> datetime.timedelta:
    if not isinstance(value, str) or not (match := _DURATION.fullmatch(value)):
        raise Mismatch(expected_as(kind), value)
    try:
        return datetime.timedelta(**{_UNITS[match[2]]: float(match[1])})
    except OverflowError as error:
        raise Mismatch(expected_as(kind), value) from error


def _text_or_source(value: Any, _: Any) -> str | SecretSource:
    if not isinstance(value, str | Mapping):
        raise Mismatch('text, or { env = "NAME" }', value)
    return value if isinstance(value, str) else SecretSource.read(value)


def _is_choice_of_types(kind: Any) -> bool:
    return is_union(kind) and len(union_parts(kind)) > 1


def _one_of(converter: Converter) -> Callable[[Any, Any], Any]:
    """Take the type that the value is of as it stands, else the first that can be made of it."""

    def read(value: Any, kind: Any) -> Any:
        parts = union_parts(kind)
        for part in sorted(parts, key=lambda part: part is not type(value)):
            try:
                return converter.structure(value, part)
            except Exception as error:  # whatever the next type may still be made of
                if _has_shape_of(value, part, parts):
                    raise error
        raise Mismatch(expected_as(kind), value)

    return read


def _has_shape_of(value: Any, part: Any, parts: Sequence[Any]) -> bool:
    """Whether a value can only have been meant for one of the types, so that its mistakes are told."""
    for has, shape in ((is_table, Mapping), (is_list, list)):
        if isinstance(value, shape):
            return has(part) and sum(map(has, parts)) == 1
    return False


def _is_literal(kind: Any) -> bool:
    origin: object = get_origin(kind)
    return origin is Literal


def _literal(value: Any, kind: Any) -> Any:
    for choice in get_args(kind):
        if value == choice and type(value) is type(choice):
            return choice
    raise choice_of(get_args(kind), value)


def _member(value: Any, kind: type[enum.Enum]) -> enum.Enum:
    for member in kind:
        if value == member.value and type(value) is type(member.value):
            return member
    raise choice_of([member.value for member in kind], value)


def _sequence(converter: Converter) -> Callable[[Any, Any], Any]:
    def read(value: Any, kind: Any) -> Any:
        if not isinstance(value, list):
            raise Mismatch(expected_as(kind), value)
        inner, container = get_args(kind), get_origin(kind) or kind
        fixed = container is tuple and inner and inner[-1] is not Ellipsis
        if fixed and len(inner) != len(value):
            raise Mismatch(f"a list of {len(inner)}", value)
        kinds = inner if fixed else [inner[0] if inner else Any] * len(value)
        items = _each(converter, list(zip(range(len(value)), value, kinds, strict=True)), kind)
        if container in (set, frozenset, list):
            return container(items)
        return frozenset(items) if issubclass(container, Set) else tuple(items)

    return read


def _mapping(converter: Converter) -> Callable[[Any, Any], dict[str, Any]]:
    def read(value: Any, kind: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise Mismatch(expected_as(dict), value)
        inner = (get_args(kind) or (str, Any))[1]
        values = _each(converter, [(key, item, inner) for key, item in value.items()], kind)
        return dict(zip(value, values, strict=True))

    return read


def _each(converter: Converter, items: list[tuple[Any, Any, Any]], kind: Any) -> list[Any]:
    """Structure items under their index or key; all that is wrong is told at once."""
    done, wrong = [], []
    for index, value, inner in items:
        try:
            done.append(value if inner is Any else converter.structure(value, inner))
        except Exception as error:  # collected, and told by `mistakes`
            error.add_note(IterableValidationNote(f"at {index}", index, inner))
            wrong.append(error)
    if wrong:
        raise IterableValidationError("items", wrong, kind)
    return done


def _table(converter: Converter, cls: type[T]) -> Callable[[Any, Any], T]:
    """Read an attrs class; what is not a table at all is said so before any key is looked at."""
    read = converter.gen_structure_attrs_fromdict(cls)

    def checked(value: Any, _: Any) -> T:
        if not isinstance(value, Mapping):
            raise Mismatch("a table", value)
        return read(value, cls)

    return checked
