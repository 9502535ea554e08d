"""JSON from outside, measured before anything is made of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from entrepot.decoding.limits import beyond, unreadable

LARGEST_TEXT: Final = 64 * 1024**2
DEEPEST: Final = 64
MOST_VALUES: Final = 1_000_000

#: Texts are passed over as wholes, the last one also when it never ends: nothing is looked at twice.
_MARKS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{,\]}]', re.DOTALL)


def bounded_json(
    text: bytes, *, largest: int = LARGEST_TEXT, deepest: int = DEEPEST, most: int = MOST_VALUES, where: str = ""
) -> Any:
    """Read JSON of at most `largest` bytes, `deepest` levels and `most` values.

    Raises `BeyondLimits` before anything is made of what is larger, and `InvalidMetadata` for what
    is no JSON in UTF-8, has a key twice in one object, or has a number that JSON has not (NaN,
    Infinity).
    """
    if len(text) > largest:
        raise beyond(f"this is JSON of more than {largest} bytes", where)
    _measure(text, deepest, most, where)
    try:
        # Bytes would be taken for UTF-16 too, in which what was measured are no brackets and no quotes.
        return json.loads(text.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise unreadable("JSON", error, where) from error


def _measure(text: bytes, deepest: int, most: int, where: str) -> None:
    depth = values = 0
    for mark in _marks(text):
        if mark in b"[{":
            depth, values = depth + 1, values + 1
        elif mark == b",":
            values += 1
        else:
            depth -= 1
        if depth > deepest:
            raise beyond(f"this is JSON of more than {deepest} levels", where)
        if values > most:
            raise beyond(f"this is JSON of more than {most} values", where)


def _marks(text: bytes) -> Iterator[bytes]:
    return (found[0] for found in _MARKS.finditer(text) if found[0][:1] != b'"')


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object, unless a key stands there twice: readers would not agree which one holds."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return made


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
