"""Byte ranges."""

from __future__ import annotations

import pytest

from entrepot.serve.ranges import Range, Unsatisfiable, parse_ranges


@pytest.mark.parametrize(
    ("header", "ranges"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-", [(0, 100)]),
        ("bytes=10-19", [(10, 10)]),
        ("bytes=90-1000", [(90, 10)]),
        ("bytes=99-", [(99, 1)]),
        ("bytes=-10", [(90, 10)]),
        ("bytes=-1000", [(0, 100)]),
        ("BYTES = 1-2", [(1, 2)]),
        ("bytes=0-1, 5-6,,-1", [(0, 2), (5, 2), (99, 1)]),
        ("bytes=0-1,200-300", [(0, 2)]),
    ],
)
def test_ranges_are_cut_to_the_body(header: str, ranges: list[tuple[int, int]]) -> None:
    """Pieces come in the order asked for; those past the end are left out."""
    assert parse_ranges(header, 100) == [Range(*piece) for piece in ranges]


@pytest.mark.fault("E04")
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=a-b",
        "bytes=5-4",
        "bytes=-",
        "bytes=--1",
        "bytes=1-2-3",
        "items=0-1",
        "bytes=0-1,x",
        "bytes=²-3",
        "bytes=" + "9" * 5000 + "-",
        "bytes=0-0,1-1,2-2,3-3,4-4",
        "bytes=" + ",".join(["0-0"] * 1000),
        "bytes=0-,0-",
    ],
)
def test_what_is_malformed_or_greedy_gets_the_whole(header: str | None) -> None:
    """So are more than four ranges, and ranges that together are longer than the body."""
    assert list(parse_ranges(header, 100)) == []


@pytest.mark.fault("E04")
@pytest.mark.parametrize(("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0), ("bytes=-5", 0)])
def test_a_range_without_a_byte_in_it_is_unsatisfiable(header: str, size: int) -> None:
    """The client is told the size instead."""
    with pytest.raises(Unsatisfiable):
        parse_ranges(header, size)


def test_content_range_counts_from_zero_and_includes_the_last_byte() -> None:
    """As RFC 9110 writes it."""
    assert Range(10, 5).header(100) == "bytes 10-14/100"
