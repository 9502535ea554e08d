"""Numbers and times as people read them."""

from __future__ import annotations

import datetime

_STEP = 1000
_MINUTE = 60
_HOUR = 3600


def amount(number: int) -> str:
    """A count with its thousands apart."""
    return f"{number:,}"


def size(octets: float) -> str:
    """A number of bytes in the unit that suits it, in powers of ten."""
    for unit in ("B", "kB", "MB", "GB"):
        if octets < _STEP:
            return f"{octets:.0f} {unit}" if unit == "B" else f"{octets:.1f} {unit}"
        octets /= _STEP
    return f"{octets:.1f} TB"


def duration(seconds: float) -> str:
    """A span of time, the finer the shorter."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE):02} s"
    return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE):02} min"


def moment(seconds: float | None) -> str:
    """A moment, given in seconds since 1970, in UTC to the second."""
    if seconds is None:
        return "-"
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def iso(seconds: float | None) -> str | None:
    """The same moment for programs."""
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{amount(number)} {one if number == 1 else many}"
