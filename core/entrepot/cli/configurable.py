"""What can be set for a repository, as TOML that can be pasted, or as lines for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from entrepot.cli.output import visible

if TYPE_CHECKING:
    from entrepot.cli.output import Output
    from entrepot.operations.options import OptionTable
    from entrepot.settings.described import Option


def show_options(output: Output, name: str, tables: Iterable[OptionTable]) -> None:
    """Each table with its keys: what is set stands there as it is, the rest behind a `#` with its default."""
    for number, table in enumerate(tables):
        for option in table.options:
            told = {"takes": option.takes, "required": option.required, "default": option.default}
            known = {"repository": name, "table": table.name, "plugin": table.plugin, "key": option.key}
            output.line({"event": "option", **known, **told, "value": option.value, "doc": option.doc})
        for wrong in table.wrong:
            output.line({"event": "error", "repository": name, "error": wrong})
        output.say("\n".join([*([""] if number else []), *_toml(table)]))


def _toml(table: OptionTable) -> Iterator[str]:
    yield f"[{table.name}]"
    yield from _comment(table.about)
    for wrong in table.wrong:
        yield from _comment(f"wrong: {wrong}")
    if not table.options and not table.wrong:
        yield "# there is nothing to set"
    for option in table.options:
        yield from _comment(option.doc)
        yield visible(_set(option) if option.value is not None else f"# {_unset(option)}")


def _set(option: Option) -> str:
    return f"{option.key} = {option.value}  # {option.takes}; {_without(option)}"


def _unset(option: Option) -> str:
    shown = option.example if option.default is None else option.default
    return f"{option.key} = {shown}  # {option.takes}; {_without(option)}"


def _without(option: Option) -> str:
    if option.required:
        return "must be set"
    return "no default" if option.default is None else f"default {option.default}"


def _comment(text: str) -> list[str]:
    return [f"# {visible(line)}".rstrip() for line in text.splitlines()]
