"""An item as a person types it, and how well a unit's key fits it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence
from enum import IntEnum

_SEPARATORS = re.compile(r"[-_.]+")
_BETWEEN_WORDS = re.compile(r"(?<=.)(?:==|@|\s+)")
_JOINS = (" ", "@", "==", "/", ":")
_GLOB = re.compile(r"[*?\[]")

#: What may stand for something else in a key, or for nothing at all.
_LOOSE = re.compile(r"[-_.@=/:*?\s]+")

#: What JSON writes otherwise, and where the letters within are a choice.
_UNSURE = re.compile(r'["\\\[\x00-\x1f]')


class Fit(IntEnum):
    """How an item names a unit, the surest way first."""

    WHOLE = 1
    FIELD = 2
    ALIKE = 3
    NAME_AND_PARTS = 4
    GLOB = 5
    PARTS = 6


class Item:
    """`left-pad@1.3.1`, `attrs==25.1.0`, `tool-1.bin`, `images/*.iso`, or a key as `--json` prints it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = [word for word in _BETWEEN_WORDS.split(text) if word] or [text]
        self._alike = folded(text)
        self._glob = re.compile(fnmatch.translate(text.casefold())) if _GLOB.search(text) else None
        self._parts = [_part(word) for word in self.words]
        self._letters = [] if _UNSURE.search(text) else [run for run in _LOOSE.split(text.casefold()) if run]

    @property
    def is_glob(self) -> bool:
        """Whether it may mean many units by its shape."""
        return self._glob is not None

    @property
    def heads(self) -> list[str]:
        """What the first field of a key may be, if it is there that the item begins."""
        first = self.words[0]
        return list(dict.fromkeys([self.text, first, first.lower(), folded(first)]))

    def may_fit(self, key: str) -> bool:
        """Whether a key has the letters of the item at all: told without reading it, and never wrongly False."""
        lowered = key.casefold()
        return all(run in lowered for run in self._letters)

    def fit(self, key: str, fields: Sequence[str]) -> Fit | None:
        """How it names the unit with this key and these key fields; None when it does not.

        Names that differ in case and in `-`, `_` and `.` alone are alike, and a version is not part
        of a longer one: `1.0` names neither `11.0` nor `1.0.1`.
        """
        if self.text == key or self.text in _wholes(fields):
            return Fit.WHOLE
        names = list(names_of(fields))
        if self.text in names:
            return Fit.FIELD
        if self._glob is not None:
            shapes = (*_wholes(fields), *names)
            return Fit.GLOB if any(self._glob.fullmatch(shape.casefold()) for shape in shapes) else None
        if any(self._alike == folded(name) for name in (*_wholes(fields), *names)):
            return Fit.ALIKE
        lowered = [field.casefold() for field in fields]
        if not all(any(part.search(field) for field in lowered) for part in self._parts):
            return None
        first = folded(self.words[0])
        return Fit.NAME_AND_PARTS if any(first == folded(field) for field in fields) else Fit.PARTS


def names_of(fields: Sequence[str]) -> Iterator[str]:
    """What a unit may be called by one field of its key: the field, and the last part of a path."""
    for field in fields:
        yield field
        if (last := field.rpartition("/")[2]) != field:
            yield last


def folded(name: str) -> str:
    """A name with what people mistype made one: case, and what stands between its words."""
    return _SEPARATORS.sub("-", name.casefold())


def _wholes(fields: Sequence[str]) -> list[str]:
    return [join.join(fields) for join in _JOINS] if len(fields) > 1 else list(fields)


def _part(word: str) -> re.Pattern[str]:
    inner = "[-_.]+".join(map(re.escape, _SEPARATORS.split(word.casefold())))
    before = r"(?<![a-z0-9])(?<!\d\.)" if word[:1].isdigit() else r"(?<![a-z0-9])"
    after = r"(?![a-z0-9+!])(?!\.(?:\d|post|dev))" if word[-1:].isdigit() else r"(?![a-z0-9])"
    return re.compile(before + inner + after)
