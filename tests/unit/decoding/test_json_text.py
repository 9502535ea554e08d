"""JSON from outside is measured before anything is made of it."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.decoding.json_text import bounded_json
from entrepot.decoding.limits import BeyondLimits
from entrepot.errors import InvalidMetadata

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES, st.booleans())
@settings(max_examples=200, deadline=None)
def test_what_was_written_is_read(value: object, plain: bool) -> None:
    """Brackets, commas and quotes within texts count for nothing."""
    assert bounded_json(json.dumps(value, ensure_ascii=plain).encode(), most=10_000) == value


@pytest.mark.fault("B08")
@pytest.mark.promise("P33")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "64 levels"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "64 levels"),
        (b"[" + b"0," * 10_000_000 + b"0]", "1000000 values"),
        (b"[" + b"[]," * 10_000_000 + b"0]", "1000000 values"),
        (b'{"a": "' + b"x" * (65 * 1024**2) + b'"}', "bytes"),
    ],
    ids=["lists", "objects", "numbers", "empty-lists", "one-long-text"],
)
def test_a_bomb_is_refused_at_its_limit(text: bytes, told: str) -> None:
    """Depth, count and size each have one, and the error names it."""
    with pytest.raises(BeyondLimits, match=told) as caught:
        bounded_json(text, where="the feed")

    assert caught.value.where == "the feed"
    assert caught.value.remedy


@pytest.mark.fault("B08")
@pytest.mark.parametrize(
    "text",
    [
        b'{"sha256": "a", "sha256": "b"}',
        b'[{"x": {"a": 1, "a": 1}}]',
        b"[NaN]",
        b"[-Infinity]",
        b"[1",
        b"",
        b"\xff",
        "[1]".encode("utf-16"),
    ],
)
def test_what_readers_would_not_agree_on_is_refused(text: bytes) -> None:
    """A key twice in one object, numbers that JSON has not, and texts that break off."""
    with pytest.raises(InvalidMetadata):
        bounded_json(text)


@pytest.mark.parametrize("text", [b'"' + b'\\"' * 4_000_000, b'"' * 4_000_001, b'["' + b"a" * 8_000_000])
def test_a_text_that_never_ends_is_looked_at_once(text: bytes) -> None:
    """Eight megabytes of quotes are refused in the time that reading them takes."""
    began = time.process_time()

    with pytest.raises(InvalidMetadata):
        bounded_json(text)

    assert time.process_time() - began < 10
