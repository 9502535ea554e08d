"""Reads what apt is configured with, in either of its styles (sources.list(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import attrs

from entrepot.plugin import ConfigurationError

_LINE = re.compile(
    r"(?P<type>deb|deb-src)[ \t]+(?:\[(?P<options>[^\]]*)\][ \t]*)?"
    r"(?P<uri>(?:\[[^\]]*\]|[^\s\[\]])+)[ \t]+(?P<suite>\S+)(?P<components>.*)"
)
#: All of a line that is no comment: a number sign within brackets begins none.
_SAID = re.compile(r"(?:\[[^\]]*\]|[^#])*")
_FIELD = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9-]*):[ \t]*(?P<value>.*)")
_SPELT: Final = {"arch": "architectures"}
_READ: Final = frozenset(
    {"types", "uris", "suites", "components", "architectures", "signed-by", "trusted", "enabled", "description"}
)
_NO: Final = frozenset({"no", "false", "without", "off", "disable", "0"})
_YES: Final = frozenset({"yes", "true", "with", "on", "enable", "1"})
_LARGEST: Final = 4 * 1024**2


@attrs.frozen(kw_only=True)
class AptEntry:
    """One entry: each suite at each URI; `others` are settings that nobody reads."""

    types: tuple[str, ...]
    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    signed_by: str
    trusted: bool
    others: tuple[str, ...]
    line: int


def read_entries(file: Path) -> list[AptEntry]:
    """Read the entries that are enabled.

    A `ConfigurationError` names file and line of what apt would not read.
    """
    text = _text_of(file)
    match file.suffix:
        case ".list":
            return list(_one_line_each(text, file))
        case ".sources":
            return list(_paragraphs(text, file))
    raise ConfigurationError(
        "apt reads files that end in .list, with lines, or in .sources, with paragraphs; this is neither",
        where=str(file),
        remedy=f"name it as apt would have it: {file.name}.list or {file.name}.sources",
    )


def _text_of(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST:
            raise ConfigurationError(
                f"it is larger than {_LARGEST} bytes, which no list of apt is",
                where=str(file),
                remedy="name one such as /etc/apt/sources.list",
            )
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
        raise ConfigurationError(
            f"what apt is configured with cannot be read: {why}", where=str(file), remedy=f"ls -l {file}"
        ) from error


def _one_line_each(text: str, file: Path) -> Iterator[AptEntry]:
    for number, line in enumerate(text.split("\n"), 1):
        said = _SAID.match(line)
        words = said[0].strip() if said else ""
        if not words:
            continue
        read = _LINE.fullmatch(words)
        if read is None:
            raise _broken(file, number, "it is no deb or deb-src with a URI and a suite")
        fields = {
            "types": read["type"],
            "uris": re.sub(r"\s", "%20", read["uri"]),  # as within the brackets of a cdrom
            "suites": read["suite"],
            "components": read["components"],
            **_options(read["options"] or "", file, number),
        }
        yield _entry(fields, file, number)


def _options(text: str, file: Path, number: int) -> dict[str, str]:
    options: dict[str, str] = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if not equals or not value:
            raise _broken(file, number, f"{word!r:.80} in its brackets is no option with a value")
        options[_SPELT.get(name.lower(), name.lower())] = value.replace(",", " ")
    return options


def _paragraphs(text: str, file: Path) -> Iterator[AptEntry]:
    fields: dict[str, str] = {}
    begun, last = 0, ""
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield from _enabled(fields, file, begun)
            fields, last = {}, ""
        elif line[0] in " \t":
            if not last:
                raise _broken(file, number, "it goes on with a field, and there is none")
            fields[last] += f"\n{line.strip()}"
        else:
            field = _FIELD.fullmatch(line.rstrip())
            if field is None:
                raise _broken(file, number, "it is no field: a name and a colon are missing")
            last = field["name"].lower()
            if last in fields:
                raise _broken(file, number, f"{field['name']} is given twice")
            begun = begun if fields else number
            fields[last] = field["value"]


def _enabled(fields: Mapping[str, str], file: Path, line: int) -> Iterator[AptEntry]:
    if fields.get("enabled", "yes").lower() not in _NO:
        yield _entry(fields, file, line)


def _entry(fields: Mapping[str, str], file: Path, line: int) -> AptEntry:
    entry = AptEntry(
        types=_listed(fields, "types"),
        uris=_listed(fields, "uris"),
        suites=_listed(fields, "suites"),
        components=_listed(fields, "components"),
        architectures=_listed(fields, "architectures"),
        signed_by=fields.get("signed-by", "").strip(),
        trusted=fields.get("trusted", "").lower() in _YES,
        others=tuple(name for name in fields if name not in _READ and not name.startswith("x-")),
        line=line,
    )
    for name, there in (("Types", entry.types), ("URIs", entry.uris), ("Suites", entry.suites)):
        if not there:
            raise _broken(file, line, f"{name} are missing")
    if unknown := [name for name in entry.types if name not in ("deb", "deb-src")]:
        raise _broken(file, line, f"{unknown[0]!r:.40} is no type: these are deb and deb-src")
    for suite in entry.suites:
        if suite.endswith("/") and entry.components:
            raise _broken(file, line, f"{suite!r:.80} is a folder, which has no components")
        if not suite.endswith("/") and not entry.components:
            raise _broken(file, line, f"suite {suite!r:.80} has no components")
    return entry


def _listed(fields: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fields.get(name, "").split()))


def _broken(file: Path, line: int, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"apt would not read this: {why}", where=f"{file}, line {line}", remedy="mend that line; apt-get update tells"
    )
