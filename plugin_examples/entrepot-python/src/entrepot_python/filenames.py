"""What the name of a distribution file tells: its version, its kind, and what it runs on."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Final

import attrs
from packaging.tags import Tag
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from entrepot_python.options import Kind

_SDISTS: Final = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tar.lz", ".tar.Z", ".tgz", ".tbz")


#: Characters of a name and tags of a wheel that are worth reading; real ones have a fifth of it.
_LONGEST: Final = 1024
_MOST_TAGS: Final = 1024


@attrs.frozen
class FileName:
    """What is told; `version` is None for old forms that do not say it clearly. Only wheels have tags."""

    kind: Kind
    version: Version | None
    tags: frozenset[Tag] = frozenset()


def read_filename(filename: str) -> FileName:
    """Tell all that the name of a file says; nothing is guessed."""
    if not filename.endswith(".whl"):
        return FileName(_kind(filename), version_of(filename))
    version, tags = _read_wheel(filename) if _is_bounded(filename) else (None, frozenset[Tag]())
    return FileName("wheel", version, tags)


def version_of(filename: str) -> Version | None:
    """Tell the version from a file's name; None for old forms that do not say it clearly."""
    if not _is_bounded(filename):
        return None
    if filename.endswith(".whl"):
        return _read_wheel(filename)[0]
    try:
        return parse_sdist_filename(filename)[1]
    except (InvalidSdistFilename, InvalidVersion):
        return None


def is_same_file(one: str, other: str) -> bool:
    """Whether two names are of one file: also where its project or its tags are written in another way."""
    return one == other or (_identity(one) is not None and _identity(one) == _identity(other))


def _identity(filename: str) -> object:
    """What a name says, however it is written; None for one that is not read."""
    if not _is_bounded(filename):
        return None
    with suppress(ValueError):  # no such name, or a version of more digits than Python turns into a number
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)
        return filename.endswith(".zip"), parse_sdist_filename(filename)
    return None


def _read_wheel(filename: str) -> tuple[Version | None, frozenset[Tag]]:
    try:
        _, version, _, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion):
        return None, frozenset()
    return version, tags


def _is_bounded(filename: str) -> bool:
    """Whether reading a name takes no time to speak of: a wheel has every combination of its tags."""
    if len(filename) > _LONGEST:
        return False
    return math.prod(part.count(".") + 1 for part in filename.removesuffix(".whl").split("-")[-3:]) <= _MOST_TAGS


def _kind(filename: str) -> Kind:
    if filename.endswith(".egg"):
        return "egg"
    return "sdist" if filename.endswith(_SDISTS) else "other"
