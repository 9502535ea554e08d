"""How fast, and how long still."""

from __future__ import annotations

import pytest

from entrepot.cli.pace import Pace, Sample


def test_rates_are_those_of_the_last_seconds() -> None:
    """A slow start is forgotten."""
    pace = Pace()
    for second in range(60):
        pace.note(Sample(float(second), units=max(0, second - 30) * 100, files=second, octets=second * 1000))

    rate = pace.rate()

    assert (rate.units, rate.files, rate.octets) == (100, 1, 1000)
    assert rate.at <= 16


def test_the_time_left_follows_from_the_rate() -> None:
    """Half done in ten seconds leaves ten."""
    pace = Pace()
    pace.note(Sample(0.0))
    pace.note(Sample(10.0, units=500))

    assert pace.time_left(1000) == pytest.approx(10.0)


@pytest.mark.parametrize(
    "samples",
    [
        [],
        [Sample(0.0, 5)],
        [Sample(0.0, 5), Sample(0.0, 6)],
        [Sample(0.0, 5), Sample(9.0, 5)],
        [Sample(0.0, 0), Sample(1.0, 10)],
    ],
    ids=["nothing seen", "one look", "no time", "no progress", "done"],
)
def test_where_it_cannot_be_told_nothing_is(samples: list[Sample]) -> None:
    """A wrong guess is worse than none."""
    pace = Pace()
    for sample in samples:
        pace.note(sample)

    assert pace.time_left(10) is None
