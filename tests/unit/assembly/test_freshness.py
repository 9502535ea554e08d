"""How new metadata is, and what is said when it is not new enough."""

from __future__ import annotations

import datetime

import pytest

from entrepot.assembly.errors import ClockDisagrees, Expired, OlderThanSeen
from entrepot.assembly.freshness import Freshness

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
SECOND = datetime.timedelta(seconds=1)


def told(
    *,
    serial: int | None = None,
    moment: datetime.datetime | None = None,
    expires: datetime.datetime | None = None,
    upstream_now: datetime.datetime | None = None,
) -> Freshness:
    return Freshness(
        repository="deb", name="Release", serial=serial, moment=moment, expires=expires, upstream_now=upstream_now
    )


@pytest.mark.fault("A17")
@pytest.mark.promise("P15")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (told(serial=10), told(serial=9)),
        (told(moment=NOW), told(moment=NOW - SECOND)),
        (told(serial=10, moment=NOW), told(serial=10, moment=NOW - SECOND)),
    ],
)
def test_what_is_older_than_before_is_refused(before: Freshness, after: Freshness) -> None:
    """The error names both, the metadata, and the way to take it all the same."""
    with pytest.raises(OlderThanSeen, match="metadata 'Release' is of ") as caught:
        after.check_order(before.dump())

    assert caught.value.remedy.endswith("entrepot sync deb --allow-older")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (told(serial=10), told(serial=10)),
        (told(serial=10), told(serial=2**70)),
        (told(serial=10), told(moment=NOW)),
        (told(moment=NOW), told(moment=(NOW + SECOND).astimezone(datetime.timezone(-5 * HOUR)))),
        (told(), told(serial=1, moment=NOW)),
    ],
)
def test_what_is_as_new_or_cannot_be_compared_is_taken(before: Freshness, after: Freshness) -> None:
    """A serial is not compared with a moment, and a moment is one in every time zone."""
    after.check_order(before.dump())


@pytest.mark.fault("A17")
@pytest.mark.promise("P15")
def test_what_is_left_out_once_is_not_forgotten() -> None:
    """Metadata without the serial that stood there before opens no way back to an older one."""
    seen = told(serial=10, moment=NOW).dump()

    without = told(moment=NOW + SECOND)
    without.check_order(seen)

    with pytest.raises(OlderThanSeen, match="is of 9, and 10 was seen"):
        told(serial=9).check_order(without.dump(seen))
    with pytest.raises(OlderThanSeen):
        told(moment=NOW).check_order(without.dump(seen))


@pytest.mark.fault("A18")
@pytest.mark.promise("P15")
def test_where_the_clocks_disagree_an_expiry_says_so() -> None:
    """Ours may be two years ahead; the upstream's own clock tells."""
    over = told(expires=NOW - HOUR, upstream_now=NOW - 2 * HOUR)

    with pytest.raises(Expired, match=r"this machine's clock \(2026-11-20T12:00:00Z\)") as caught:
        over.check_expiry(NOW)

    assert "(2026-11-20T10:00:00Z) disagree" in caught.value.what


@pytest.mark.fault("A18")
@pytest.mark.parametrize(("ahead", "refused"), [(HOUR, False), (HOUR + SECOND, True)])
def test_a_clock_may_be_an_hour_off(ahead: datetime.timedelta, *, refused: bool) -> None:
    """Beyond that the error speaks of clocks."""
    future = told(moment=NOW + ahead)

    if not refused:
        future.check_clock(NOW)
        return
    with pytest.raises(ClockDisagrees, match="clock"):
        future.check_clock(NOW)


def test_a_moment_needs_a_time_zone() -> None:
    """Without one, nobody knows which moment it is."""
    with pytest.raises(ValueError, match="needs a time zone"):
        told(moment=datetime.datetime(2026, 11, 20, 12))
