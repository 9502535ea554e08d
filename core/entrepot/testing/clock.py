"""Virtual time for a depot: a clock that stands still until a test turns it."""

from __future__ import annotations

import datetime

import attrs

#: Where every clock begins, in seconds since 1970: the first of November 2026, at midnight in UTC.
_BEGINNING = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC).timestamp()


@attrs.define
class Clock:
    """Tells seconds since 1970 wherever `time.time` would, and stands still until it is turned.

    Whoever holds it sees the same moment. Waits of the event loop are not virtual: they pass.

    >>> clock = Clock()
    >>> with depot(folder, repositories, clock=clock) as opened:
    ...     clock.turn(days=29, hours=23)
    """

    #: The moment, in seconds since 1970.
    now: float = _BEGINNING

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now

    @property
    def moment(self) -> datetime.datetime:
        """The same, as a moment in UTC."""
        return datetime.datetime.fromtimestamp(self.now, datetime.UTC)

    def turn(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Turn it forward; less than nothing turns it back, as people and machines do with clocks."""
        self.now += datetime.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
