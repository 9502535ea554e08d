"""A clock that tests move by hand."""

from __future__ import annotations


class Clock:
    """Seconds since 1970, as the catalog is told them."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
