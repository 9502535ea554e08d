"""What an answer's head says, and what it means."""

from __future__ import annotations

import pytest

from entrepot.download.answers import content_length, resumed_at, retry_after, validator_of
from entrepot.download.errors import ResumeRefused

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Wed, 21 Oct 2026 07:29:30 GMT", 90.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("9" * 400, None),
        ("٣", None),
        ("Wed, 21 Oct 1999 07:28:00 GMT", None),
        ("Wed, 99 Oct 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:29:30", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_nothing_else(text: str, seconds: float | None) -> None:
    """A date counts from the answer's own."""
    assert retry_after({"Retry-After": text, "Date": DATE}) == seconds


@pytest.mark.parametrize("text", ["", "-1", "+5", "1e3", "5, 5", "٣", "9" * 30])
def test_a_length_that_is_no_number_is_none(text: str) -> None:
    """Whatever a parser below us let through."""
    assert content_length({"Content-Length": text}) is None


@pytest.mark.parametrize("text", ["bytes 5-9/10", "bytes 5-9/*"])
def test_the_rest_is_from_where_it_was_asked_to_the_end(text: str) -> None:
    """An unknown total is as good as the last byte."""
    assert resumed_at({"Content-Range": text}, 5, "") == 5


@pytest.mark.parametrize("text", ["", "bytes 4-9/10", "bytes 5-8/10", "bytes 5-4/5", "bytes */10", "items 5-9/10"])
def test_anything_else_is_not_the_rest(text: str) -> None:
    """And must not be written after what is there."""
    with pytest.raises(ResumeRefused):
        resumed_at({"Content-Range": text}, 5, "")


def test_a_validator_is_what_the_upstream_gave_or_none() -> None:
    """An answer without one cannot be asked for conditionally."""
    assert validator_of({}) is None
    assert validator_of({"ETag": 'W/"x"'}) == ('W/"x"', None)
    assert validator_of({"Last-Modified": DATE}) == (None, DATE)
