"""What the name of a distribution file tells: its version, its kind, and what it runs on."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import attrs
from packaging.tags import Tag
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

Kind: TypeAlias = Literal["wheel", "sdist", "egg", "other"]

_SDISTS: Final = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tar.lz", ".tar.Z", ".tgz", ".tbz")


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
    try:
        _, version, _, tags = parse_wheel_filename(filename)
    except (InvalidWheelFilename, InvalidVersion):
        return FileName("wheel", None)
    return FileName("wheel", version, tags)


def version_of(filename: str) -> Version | None:
    """Tell the version from a file's name; None for old forms that do not say it clearly."""
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[1]
        return parse_sdist_filename(filename)[1]
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None


def _kind(filename: str) -> Kind:
    if filename.endswith(".egg"):
        return "egg"
    return "sdist" if filename.endswith(_SDISTS) else "other"
