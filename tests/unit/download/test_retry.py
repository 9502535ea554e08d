"""Which URL is tried next, and when it ends: without a network, and without waiting."""

from __future__ import annotations

import random

import pytest

from entrepot.download.errors import Absent, Truncated, Unavailable, Unreachable
from entrepot.download.retry import Trials
from entrepot.errors import EntrepotError, SizeMismatch
from entrepot.model.remote import Politeness


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def trials(*urls: str, clock: Clock | None = None, seed: int = 0, **limits: float) -> Trials:
    """Begin, with what is to be tried."""
    politeness = Politeness(**limits)  # type: ignore[arg-type]  # counts are floats here
    return Trials(urls, politeness, clock=clock or Clock(), rng=random.Random(seed))


def test_waits_double_are_spread_and_are_bounded() -> None:
    """Full jitter: from nothing to twice the longest wait of the round before, half a minute at most."""
    highest = [0.0] * 12
    for seed in range(300):
        trying = trials("a", seed=seed, retries=12)
        for number in range(12):
            highest[number] = max(highest[number], trying.next(Truncated("cut"), deadline=None))

    expected = [min(0.5 * 2**number, 30.0) for number in range(12)]
    assert highest == [pytest.approx(most, rel=0.05) for most in expected]
    assert all(seen <= most for seen, most in zip(highest, expected, strict=True))


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_tries_are_as_many_as_is_allowed(retries: int) -> None:
    """`retries` counts those after the first."""
    trying, error = trials("a", retries=retries), Truncated("cut")

    for _ in range(retries):
        trying.next(error, deadline=None)

    with pytest.raises(Truncated) as caught:
        trying.next(error, deadline=None)
    assert caught.value is error


def test_urls_take_turns_and_the_hopeless_are_left_out() -> None:
    """A wait comes only when all that are left have been tried."""
    trying = trials("a", "b", "c")

    tried = [trying.url]
    waits = []
    for error in (Unavailable("later"), Absent("gone"), Truncated("cut"), Truncated("cut"), Absent("gone")):
        waits.append(trying.next(error, deadline=None))
        tried.append(trying.url)

    assert tried == ["a", "b", "c", "a", "c", "a"]
    assert [wait > 0 for wait in waits] == [False, False, True, False, True]


def test_wrong_bytes_are_forgiven_once_for_each_url() -> None:
    """From the start, at once; then the next URL, and then the end."""
    trying, wrong = trials("a", "b"), SizeMismatch(1, 2)

    tried = [trying.url]
    for _ in range(3):
        assert trying.next(wrong, deadline=None) == 0
        tried.append(trying.url)

    assert tried == ["a", "a", "b", "b"]
    with pytest.raises(SizeMismatch):
        trying.next(wrong, deadline=None)


@pytest.mark.parametrize("later", [Absent("gone"), Truncated("cut")])
def test_the_gravest_error_is_the_one_that_is_told(later: EntrepotError) -> None:
    """Wrong bytes say more than what came after them."""
    trying = trials("a", "b", retries=0)
    trying.next(SizeMismatch(1, 2), deadline=None)
    trying.next(SizeMismatch(1, 2), deadline=None)

    with pytest.raises(SizeMismatch):
        trying.next(later, deadline=None)  # type: ignore[arg-type]  # both are errors of a download


@pytest.mark.fault("A03")
@pytest.mark.promise("P25")
def test_a_wait_that_was_asked_for_is_bounded_and_forgotten_afterwards() -> None:
    """The longest of a round counts, for that round."""
    trying = trials("a", "b", longest_retry_after=60)
    patient, eager = Unavailable("later"), Unavailable("later")
    patient.retry_after, eager.retry_after = 1e9, 1.0

    trying.next(patient, deadline=None)
    first = trying.next(eager, deadline=None)
    trying.next(Truncated("cut"), deadline=None)
    second = trying.next(Truncated("cut"), deadline=None)

    assert 60 <= first <= 60.5
    assert second <= 1


def test_a_wait_past_the_deadline_is_not_begun() -> None:
    """Better to say now what went wrong."""
    clock = Clock()
    error = Unavailable("later")
    error.retry_after = 10.0

    with pytest.raises(Unavailable):
        trials("a", clock=clock).next(error, deadline=clock.now + 9)


@pytest.mark.fault("A04")
@pytest.mark.promise("P26")
def test_an_origin_that_no_connection_reaches_is_given_up_on_in_half_a_minute() -> None:
    """Refused connections are quick and are tried again; those that time out are slow and are not."""
    clock, error = Clock(), Unreachable("no route")
    quick, slow = trials("a", clock=clock, connect_timeout=20), trials("a", clock=clock, connect_timeout=20)

    quick.next(error, deadline=None)
    clock.now += 20

    with pytest.raises(Unreachable):
        slow.next(error, deadline=None)
