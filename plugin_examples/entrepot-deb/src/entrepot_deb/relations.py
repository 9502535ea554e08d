"""Reads what packages need and provide (Debian Policy 7.1 and 7.5)."""

from __future__ import annotations

import operator
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from entrepot.plugin import InvalidMetadata
from entrepot_deb.versions import VersionKey, version_key

_ALTERNATIVE: Final = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9+.\-_]*)(?::(?P<architecture>[a-z0-9-]+))?"
    r"(?:\s*\(\s*(?P<operator><<|<=|=|>=|>>|<|>)\s*(?P<version>[^\s()]+)\s*\))?"
    # Whatever is for some architectures or builds alone was settled when the package was built.
    r"(?:\s*\[[^\]]*\])?(?:\s*<[^>]*>)*",
    re.ASCII,
)

#: Older spellings mean what dpkg takes them for.
_OPERATORS: Final[dict[str, Callable[[VersionKey, VersionKey], bool]]] = {
    "<<": operator.lt,
    "<=": operator.le,
    "<": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.ge,
    ">>": operator.gt,
}

#: Alternatives of one field; the longest there are have a twentieth.
_MOST: Final = 20_000

#: Whatever architecture will do, or the package's own.
_ANY: Final = ("any", "native")


@attrs.frozen
class Alternative:
    """One package that would do: its name, on another architecture perhaps, in some versions perhaps."""

    name: str
    architecture: str | None = None
    operator: str = ""
    version: str = ""

    def admits(self, version: str) -> bool:
        """Whether a version is one of those."""
        return not self.operator or _OPERATORS[self.operator](version_key(version), version_key(self.version))

    def among(self, versions: Sequence[VersionKey]) -> slice:
        """Which versions of one package those are, in order; found without looking at each."""
        if not self.operator:
            return slice(None)
        key = version_key(self.version)
        first, behind = bisect_left(versions, key), bisect_right(versions, key)
        match self.operator:
            case "=":
                return slice(first, behind)
            case "<<":
                return slice(0, first)
            case "<=" | "<":
                return slice(0, behind)
            case ">>":
                return slice(behind, None)
        return slice(first, None)

    def admits_provided(self, version: str | None) -> bool:
        """Whether it is met by what is provided, which may have a version or none."""
        return not self.operator or (version is not None and self.admits(version))

    def __str__(self) -> str:
        return f"{self.name} ({self.operator} {self.version})" if self.operator else self.name


def read_relations(text: str) -> list[tuple[Alternative, ...]]:
    """Read a field such as Depends: groups, in each of which one alternative must be met.

    Raises `InvalidMetadata` for what is no relation.
    """
    groups = [
        tuple(_alternative(alternative) for alternative in group.split("|"))
        for group in text.split(",", _MOST)
        if group.strip()
    ]
    if sum(map(len, groups)) > _MOST:
        raise _broken(f"it has more than {_MOST} alternatives")
    return groups


def read_provides(text: str) -> list[tuple[str, str | None]]:
    """Read the names that a package provides, and their versions where it says them."""
    provided = [alternative for group in read_relations(text) for alternative in group]
    return [(each.name, each.version if each.operator == "=" else None) for each in provided]


def _alternative(text: str) -> Alternative:
    found = _ALTERNATIVE.fullmatch(text.strip())
    if found is None:
        raise _broken(f"{text.strip()!r:.80} is no package")
    architecture = found["architecture"]
    return Alternative(
        found["name"],
        None if architecture in _ANY else architecture,
        found["operator"] or "",
        found["version"] or "",
    )


def _broken(why: str) -> InvalidMetadata:
    return InvalidMetadata(
        f"what a package needs cannot be read: {why}", remedy="report it to whoever runs the archive"
    )
