"""What a repository may say about the age of its content, and what follows for one unit."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Final, Literal

import attrs

_DAY: Final = 24 * 3600.0
#: The last moment that can be written as a date: an upstream may claim any.
_LAST: Final = datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC).timestamp()

_UNKNOWN: Final = 'set by = "first_seen" for this repository, or except it by name in exceptions'


@attrs.frozen
class Exemption:
    """Lets through what has this name, whatever its age, up to and with a day (UTC).

    `name` is a name that the content goes by ("demo==2.0", a file's name), or a pattern with * and ?.
    """

    name: str = attrs.field(validator=attrs.validators.min_len(1))
    reason: str = attrs.field(validator=attrs.validators.min_len(1))
    until: datetime.date

    def covers(self, names: Iterable[str]) -> bool:
        """Whether it speaks of something that goes by these names; letter case does not matter."""
        return any(fnmatchcase(name.lower(), self.name.lower()) for name in names)

    def is_over(self, now: float) -> bool:
        """Whether its last day has passed."""
        return now >= _end_of(self.until)


@attrs.frozen
class CooldownOptions:
    """What `[repositories.NAME.plugins.cooldown]` may say.

    Nothing younger than `min_age` ("30d") is let in, and nothing newer than the day `freeze` (UTC).
    `by` says which age counts: since when upstream says that it published, since this repository
    first saw it, or both. What was let in stays, unless `evict` is set.
    """

    min_age: datetime.timedelta = datetime.timedelta(0)
    by: Literal["upstream", "first_seen", "both"] = "upstream"
    freeze: datetime.date | None = None
    evict: bool = False
    exceptions: tuple[Exemption, ...] = ()

    def __attrs_post_init__(self) -> None:
        # Whoever writes exceptions and forgets the age believes in a defence that is not there.
        if not self.holds and (self.exceptions or self.evict or self.by != "upstream"):
            raise ValueError('these options hold nothing back: add min_age = "30d", or a date as freeze')

    @property
    def holds(self) -> bool:
        """Whether anything at all is held back."""
        return bool(self.min_age) or self.freeze is not None


@attrs.frozen
class Held:
    """Why a unit is held back; `until` is None where no moment ends it."""

    rule: str
    reason: str
    until: float | None = None
    remedy: str = ""


def judge(options: CooldownOptions, published: float | None, first_seen: float, now: float) -> Held | None:
    """Why a unit is held back at this moment, or None; of several reasons the one that lasts longest."""
    reasons = list(_reasons(options, published, first_seen, now))
    return max(reasons, key=lambda held: _LAST if held.until is None else held.until, default=None)


def _reasons(options: CooldownOptions, published: float | None, first_seen: float, now: float) -> Iterator[Held]:
    if options.by != "first_seen":
        if published is None:
            yield Held("unknown-age", "upstream does not say when it was published", remedy=_UNKNOWN)
        else:
            yield from _too_young(options, "upstream", f"published {told(published)}", (published, now))
    if options.by != "upstream":
        yield from _too_young(options, "first-seen", "it is new here", (first_seen, now))


def _too_young(options: CooldownOptions, rule: str, what: str, moments: tuple[float, float]) -> Iterator[Held]:
    since, now = moments
    if options.freeze is not None and since >= _end_of(options.freeze):
        yield Held("freeze", f"{what}, after the freeze of {options.freeze}")
    due = min(since + options.min_age.total_seconds(), _LAST)
    if due > now:
        yield Held(f"min-age-by-{rule}", f"{what}, and is due {told(due)}", due)


def _end_of(day: datetime.date) -> float:
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp() + _DAY


def told(moment: float) -> str:
    """A moment in words that `datetime.fromisoformat` reads back, to the second."""
    return datetime.datetime.fromtimestamp(min(moment, _LAST), datetime.UTC).isoformat(timespec="seconds")
