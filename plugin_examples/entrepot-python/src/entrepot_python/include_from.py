"""Reads what requirements files and lock files ask for, for the option `include_from`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec
from packaging.requirements import Requirement

from entrepot.plugin import ConfigurationError

_COMMENT: Final = re.compile(r"(^|\s)#.*")
_OWN_OPTIONS: Final = re.compile(r"\s--?[A-Za-z].*")
#: Folders, files and URLs, and options of pip's own.
_OF_NO_INDEX: Final = re.compile(r"[-./~]|[A-Za-z+]+:|[^@;]*[/\\]|\S+\.(whl|zip|tar\.gz)$")
_NESTED: Final = re.compile(r"(?:-r\s*|--requirement[\s=]\s*)(\S.*)")

_REMEDY: Final = "name a requirements.txt, a pylock.toml or a uv.lock in include_from"


class _Source(msgspec.Struct):
    registry: str | None = None


class _Package(msgspec.Struct):
    name: str
    version: str | None = None
    source: _Source | None = None
    # A package with one of these comes from no index.
    vcs: object = None
    directory: object = None
    archive: object = None

    @property
    def is_of_an_index(self) -> bool:
        """Whether an index has it; else it is a checkout, a folder, or a file at some URL."""
        elsewhere = self.vcs or self.directory or self.archive
        return not elsewhere and (self.source is None or self.source.registry is not None)


class _Lock(msgspec.Struct):
    """A pylock.toml (PEP 751) lists packages under the first name, a uv.lock under the second."""

    packages: list[_Package] | None = None
    package: list[_Package] | None = None


def read_include_from(paths: Iterable[Path]) -> list[Requirement]:
    """Read all files; what is wrong with one is a `ConfigurationError` that names file and line.

    Markers and extras are passed over, for a mirror holds files for every environment; so is what
    comes from no index: URLs, paths, checkouts.
    """
    found: list[Requirement] = []
    seen: set[Path] = set()
    for path in paths:
        found += _locked(path) if path.suffix in (".toml", ".lock") else _required(path, seen)
    return found


def _locked(path: Path) -> Iterator[Requirement]:
    try:
        lock = msgspec.convert(tomllib.loads(_text(path)), _Lock)
    except (ValueError, RecursionError) as error:  # of TOML, of msgspec, and of a number with too many digits
        raise ConfigurationError(f"this is no lock file: {error}", str(path), _REMEDY) from error
    packages = lock.packages if lock.packages is not None else lock.package
    if packages is None:
        raise ConfigurationError("this is no lock file: it lists no packages", str(path), _REMEDY)
    for package in packages:
        if package.is_of_an_index:
            pinned = f"=={package.version}" if package.version is not None else ""
            yield _requirement(f"{package.name}{pinned}", str(path))


def _required(path: Path, seen: set[Path]) -> Iterator[Requirement]:
    text, resolved = _text(path), path.resolve()
    if resolved in seen:
        return
    seen.add(resolved)
    for number, line in _logical_lines(text):
        where = f"{path}, line {number}"
        if (nested := _NESTED.match(line)) is not None:
            yield from _required(path.parent / nested[1].strip("\"'"), seen)
        elif _OF_NO_INDEX.match(line) is None:
            requirement = _requirement(_OWN_OPTIONS.sub("", line), where)
            if requirement.url is None:
                yield requirement


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines joined where they go on, without comments; with the number of the first of each."""
    number, whole = 1, ""
    for at, line in enumerate([*text.splitlines(), ""], 1):
        number = number if whole else at
        whole += line.removesuffix("\\")
        if not line.endswith("\\"):
            if told := _COMMENT.sub("", whole).strip():
                yield number, told
            whole = ""


def _requirement(text: str, where: str) -> Requirement:
    try:
        requirement = Requirement(text)
        # A number of more digits than Python turns into one is found out when it is first compared.
        for each in requirement.specifier:
            each.contains("0")
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"{text!r:.120} is not a requirement: {str(error).splitlines()[0]}",
            where,
            remedy=f"correct that line, or {_REMEDY}",
        ) from error
    return requirement


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # a name with a NUL in it is a ValueError
        told = "it is not in UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        why = error.strerror if isinstance(error, OSError) else told
        raise ConfigurationError(f"a file of include_from cannot be read: {why}", str(path), _REMEDY) from error
