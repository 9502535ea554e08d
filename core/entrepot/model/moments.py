"""What stands after the @ of NAME@7 and NAME@2026-11-01: the number of a version, or a moment."""

from __future__ import annotations

import datetime
import re

#: Longer ones number no version: those of eight digits are days, and some longer ones no database can be asked for.
_NUMBER = re.compile(r"[0-9]{1,7}")

#: As ISO has it, with its dashes and colons or a day without them; and as apt writes the id of a snapshot.
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?)?|\d{8}(?:T\d{6}Z)?", re.ASCII
)


def number_or_moment(text: str) -> int | float:
    """A number, or seconds since 1970.

    A moment without a time zone is one of UTC, and a day begins at midnight. Raises `ValueError` for
    what is neither, also for days that are in no calendar.
    """
    if _NUMBER.fullmatch(text):
        return int(text)
    try:
        if _MOMENT.fullmatch(text):
            moment = datetime.datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{text!r:.60} is neither a version's number nor a date such as 2026-11-01")
