"""Naming a version in one word."""

from __future__ import annotations

import pytest

from entrepot.errors import ConfigurationError
from entrepot.operations.reference import Reference


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("tools", None),
        ("tools@7", 7),
        ("tools@0", 0),
        ("tools@2026-11-01", 1793491200.0),
        ("tools@2026-11-01T02:00:00+02:00", 1793491200.0),
        ("tools@2026-11-01T00:00:00Z", 1793491200.0),
        ("tools@20261101T000000Z", 1793491200.0),
        ("tools@20261101", 1793491200.0),
        ("tools@9999999", 9999999),
    ],
)
def test_a_version_is_named_by_number_or_by_moment(text: str, at: float | None) -> None:
    """Without either it is the latest; a day is one of UTC."""
    reference = Reference.parse(text)

    assert (reference.name, reference.at) == ("tools", at)
    assert type(reference.at) is type(at)


@pytest.mark.parametrize(
    "text",
    [
        *("tools@", "tools@-1", "tools@1.5", "tools@x", "tools@1@2", "tools@\u0667"),
        *("tools@" + "9" * 20, "tools@" + "9" * 5000, "tools@2026-13-01", "tools@2026-02-30", "tools@0000-01-01"),
        *("tools@20261301", "tools@99999999", "tools@2026-W01-1", "tools@2026-11-01T"),
    ],
)
def test_anything_else_is_refused_with_what_can_be_typed(text: str) -> None:
    """Numbers are those of ASCII, and no larger than a database counts; dates are those of the calendar."""
    with pytest.raises(ConfigurationError, match="neither a version's number nor a date") as caught:
        Reference.parse(text)

    assert "entrepot versions tools" in caught.value.remedy
