"""Conditional requests."""

from __future__ import annotations

import pytest

from entrepot.serve.conditional import Validators, Verdict

MODIFIED = 1_700_000_000.75
OURS = Validators('"abc"', MODIFIED)
AT, BEFORE, AFTER = (
    "Tue, 14 Nov 2023 22:13:20 GMT",
    "Tue, 14 Nov 2023 22:13:19 GMT",
    "Tue, 14 Nov 2023 22:13:21 GMT",
)


@pytest.mark.fault("E07")
@pytest.mark.parametrize(
    ("headers", "verdict"),
    [
        ({}, Verdict.SEND),
        ({"If-None-Match": '"abc"'}, Verdict.NOT_MODIFIED),
        ({"If-None-Match": 'W/"abc"'}, Verdict.NOT_MODIFIED),
        ({"If-None-Match": '"x", "abc"'}, Verdict.NOT_MODIFIED),
        ({"If-None-Match": "*"}, Verdict.NOT_MODIFIED),
        ({"If-None-Match": '"x"'}, Verdict.SEND),
        ({"If-None-Match": '"x"', "If-Modified-Since": AFTER}, Verdict.SEND),
        ({"If-Modified-Since": AT}, Verdict.NOT_MODIFIED),
        ({"If-Modified-Since": AFTER}, Verdict.NOT_MODIFIED),
        ({"If-Modified-Since": BEFORE}, Verdict.SEND),
        ({"If-Modified-Since": "yesterday"}, Verdict.SEND),
        ({"If-Match": '"abc"'}, Verdict.SEND),
        ({"If-Match": "*"}, Verdict.SEND),
        ({"If-Match": 'W/"abc"'}, Verdict.FAILED),
        ({"If-Match": '"x"'}, Verdict.FAILED),
        ({"If-Match": '"x"', "If-None-Match": '"abc"'}, Verdict.FAILED),
        ({"If-Unmodified-Since": BEFORE}, Verdict.FAILED),
        ({"If-Unmodified-Since": AT}, Verdict.SEND),
        ({"If-Unmodified-Since": "nonsense"}, Verdict.SEND),
    ],
)
def test_conditions_are_weighed_in_the_order_of_the_rfc(headers: dict[str, str], verdict: Verdict) -> None:
    """Tags win over dates, and a date that is none is as if it were not there."""
    assert OURS.judge(headers) is verdict


@pytest.mark.parametrize(
    ("if_range", "counts"),
    [(None, True), ('"abc"', True), (AT, True), ('W/"abc"', False), ('"x"', False), (AFTER, False), ("x", False)],
)
def test_a_range_counts_only_for_the_very_same_body(if_range: str | None, counts: bool) -> None:
    """A client that resumes a download never gets the end of another file."""
    assert OURS.ranges_count({} if if_range is None else {"If-Range": if_range}) is counts
