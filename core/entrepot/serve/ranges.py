"""Byte ranges as clients ask for them (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import attrs

from entrepot.errors import EntrepotError

#: A client that wants more pieces at once gets the whole.
MOST: Final = 4

_SPEC = re.compile(r"(\d{1,18})-(\d{0,18})|-(\d{1,18})", re.ASCII)


@attrs.frozen
class Range:
    """Bytes from `start` on, `count` of them, at least one."""

    start: int
    count: int

    def header(self, size: int) -> str:
        """The value of `Content-Range` for a body of `size` bytes."""
        return f"bytes {self.start}-{self.start + self.count - 1}/{size}"


class Unsatisfiable(EntrepotError):
    """None of the ranges has a byte of the body in it; answered by 416."""


def parse_ranges(header: str | None, size: int) -> Sequence[Range]:
    """Return the wanted pieces in the order asked for; empty means: the whole body.

    What is malformed is passed over as if it were not there, as RFC 9110 asks; so are too many
    ranges, and ranges that together are longer than the body. Raises `Unsatisfiable`.
    """
    unit, equals, text = (header or "").partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return ()
    specs = [part.strip() for part in text.split(",", MOST + 1) if part.strip()]
    matches = [_SPEC.fullmatch(spec) for spec in specs]
    if not specs or len(specs) > MOST or not all(matches) or any(_is_reversed(match) for match in matches if match):
        return ()
    wanted = [found for match in matches if match and (found := _range(match, size)) is not None]
    if not wanted:
        raise Unsatisfiable(f"no range of {header!r:.80} lies in {size} bytes", remedy="ask for bytes that are there")
    return wanted if sum(piece.count for piece in wanted) <= size else ()


def _is_reversed(match: re.Match[str]) -> bool:
    return bool(match[1] and match[2]) and int(match[2]) < int(match[1])


def _range(match: re.Match[str], size: int) -> Range | None:
    if match[3] is not None:
        count = min(int(match[3]), size)
        return Range(size - count, count) if count else None
    start = int(match[1])
    end = min(int(match[2]) if match[2] else size - 1, size - 1)
    return Range(start, end - start + 1) if start < size else None
