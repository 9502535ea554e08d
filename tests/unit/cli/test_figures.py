"""Numbers and times as people read them."""

from __future__ import annotations

import pytest

from entrepot.cli.figures import amount, counted, duration, iso, moment, size


@pytest.mark.parametrize(
    ("octets", "told"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (5_240_000, "5.2 MB"), (7.5e9, "7.5 GB"), (3e15, "3000.0 TB")],
)
def test_bytes_come_in_the_unit_that_suits_them(octets: float, told: str) -> None:
    """In powers of ten, as disks and networks are sold."""
    assert size(octets) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (61, "1 min 01 s"), (3599, "59 min 59 s"), (7384, "2 h 03 min")],
)
def test_a_span_of_time_is_told_the_finer_the_shorter(seconds: float, told: str) -> None:
    """Nobody waits for a tenth of a second in an hour."""
    assert duration(seconds) == told


def test_counts_are_told_with_their_noun() -> None:
    """One file, two files."""
    assert [counted(number, "file", "files") for number in (0, 1, 12345)] == ["0 files", "1 file", "12,345 files"]
    assert amount(1234567) == "1,234,567"


def test_moments_are_told_in_utc() -> None:
    """Whatever the machine's own zone."""
    assert moment(1793491200.5) == "2026-11-01 00:00:00Z"
    assert iso(1793491200.0) == "2026-11-01T00:00:00+00:00"
    assert (moment(None), iso(None)) == ("-", None)
