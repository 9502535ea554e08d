"""Choosing among media types."""

from __future__ import annotations

import pytest

from entrepot.serve.negotiation import choose

JSON, HTML, PLAIN = "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html", "text/html"
OFFERED = [JSON, HTML, PLAIN]


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        (f"{JSON}, {HTML};q=0.1, {PLAIN};q=0.01", JSON),
        (f"{PLAIN};q=0.01, {HTML};q=0.1, {JSON}", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", PLAIN),
        (f"{JSON};q=0, */*", PLAIN),
        (f"{PLAIN};q=0.2, */*;q=0.1", PLAIN),
        ("application/*", HTML),
        (f"application/*;q=0.5, {JSON};q=0.4", HTML),
        (f"{JSON.upper()} ; Q=0.5", JSON),
        ("application/json", None),
        ("*/*;q=0", None),
        ("application/vnd.pypi.simple.latest+json", JSON),
        (f"application/vnd.pypi.simple.latest+json;q=0.5, {HTML}", HTML),
        ("application/vnd.other.latest+json", None),
        (f"{JSON};q=nonsense", JSON),
        ("nonsense", PLAIN),
        (",,;;,", PLAIN),
        (f"{JSON};q=0.5;charset=utf-8, {HTML};q=0.6", HTML),
    ],
)
def test_the_client_gets_what_it_likes_best(accept: str, chosen: str | None) -> None:
    """The nearest range gives a type its quality; zero means: never. Nonsense counts as nothing."""
    assert choose(accept, OFFERED) == chosen


def test_the_order_of_what_is_offered_does_not_matter() -> None:
    """The same request gets the same answer, however the catalog returns its rows."""
    assert choose("application/*", [JSON, HTML]) == choose("application/*", [HTML, JSON]) == HTML


def test_a_very_long_header_costs_little() -> None:
    """What comes after fifty alternatives is not read."""
    assert choose(",".join(["x/y"] * 50_000 + [JSON]), OFFERED) is None
