"""Which of several media types a client likes best (RFC 9110, section 12)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_VERSION = re.compile(r"\.v\d+\+", re.ASCII)

#: More alternatives than anyone needs; a longer header is cut here.
_MOST = 50


@attrs.frozen
class _Range:
    kind: str
    quality: float

    def specificity(self, media_type: str) -> int:
        """How closely it fits, from 3 for the very type to 0 for not at all.

        `application/vnd.NAME.latest+json` means whichever `application/vnd.NAME.v1+json` there is.
        """
        if self.kind in (media_type, _VERSION.sub(".latest+", media_type)):
            return 3
        if self.kind == "*/*":
            return 1
        return 2 if self.kind.endswith("/*") and media_type.startswith(self.kind[:-1]) else 0


def choose(accept: str, offered: Sequence[str]) -> str | None:
    """Pick the offered media type that suits `Accept`, or None when none does.

    Among equals the plainest wins: `text/html` before others, then in alphabetical order, so that
    a client without preferences gets what a person can read.
    """
    ranges = _parse(accept) or [_Range("*/*", 1.0)]
    liked = [(-_quality(ranges, kind), kind != "text/html", kind) for kind in offered]
    best = min(liked, default=None)
    return best[2] if best is not None and best[0] else None


def _quality(ranges: Sequence[_Range], media_type: str) -> float:
    plain = media_type.partition(";")[0].strip().lower()
    fitting = [(fit, found.quality) for found in ranges if (fit := found.specificity(plain))]
    return max(fitting)[1] if fitting else 0.0


def _parse(accept: str) -> list[_Range]:
    found = []
    for part in accept.split(",")[:_MOST]:
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if "/" in kind:
            found.append(_Range(kind, _weight(parameters)))
    return found


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q" and _QUALITY.fullmatch(value.strip()):
            return float(value)
    return 1.0
