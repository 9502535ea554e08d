"""Orders versions as dpkg does (Debian Policy 5.6.12)."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

#: Compares as its version does.
VersionKey: TypeAlias = tuple[object, ...]

_PIECE: Final = re.compile(r"([^0-9]*)([0-9]*)")

#: What ends a piece without digits: a tilde comes before it, everything else after.
_END: Final = 0


def version_key(text: str) -> VersionKey:
    """Make what orders a version among others; any text has a place.

    The epoch counts first, then upstream's version, then the revision; one that is missing is 0.
    """
    epoch, colon, rest = text.partition(":")
    if not colon or not (epoch.isascii() and epoch.isdigit()):
        epoch, rest = "0", text
    upstream, dash, revision = rest.rpartition("-")
    if not dash:
        upstream, revision = rest, ""
    return _number(epoch), _pieces(upstream), _pieces(revision)


def _pieces(text: str) -> tuple[object, ...]:
    found: list[object] = []
    for words, digits in _PIECE.findall(text):
        if words or digits:
            found += [_letters(words), _number(digits)]
    return (*(found or [_letters(""), _number("")]), _letters(""))


def _letters(text: str) -> tuple[int, ...]:
    return (*map(_rank, text), _END)


def _rank(letter: str) -> int:
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 0x110000


def _number(digits: str) -> tuple[int, str]:
    """A number of any length, without the price of reading it."""
    digits = digits.lstrip("0")
    return len(digits), digits
