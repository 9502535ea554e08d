"""The past of units: only the same bytes under the same key count."""

from __future__ import annotations

import attrs
import pytest

from entrepot.assembly.unit_past import told_by_unit
from entrepot.model.artifact import Artifact
from entrepot.model.content import Content, key
from entrepot.model.declarative import DeclarativeArtifact, DeclarativeContent
from entrepot.model.ledger import Appearance, Past, RefusalRow
from entrepot.model.remote import Remote

A, B = "aa" * 32, "bb" * 32


@attrs.frozen
class Thing(Content):
    TYPE = "test.thing"
    name: str = key()


def unit(name: str, **digests: str | None) -> DeclarativeContent:
    """A unit with an artifact for each path; None leaves its digest open."""
    remote = Remote("https://index.example/")
    return DeclarativeContent(
        Thing(name),
        [
            DeclarativeArtifact(Artifact(sha256=digest), f"https://index.example/{path}", path, remote)
            for path, digest in digests.items()
        ],
    )


def had(name: str, content: int, since: float, is_latest: bool, **digests: str) -> list[Appearance]:
    """What a version had."""
    where = unit(name).key
    return [
        Appearance(where, content, path, "sha256", bytes.fromhex(digest), since, is_latest)
        for path, digest in digests.items()
    ]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"x": A}, (1.0, True)),
        ({"x": B}, (2.0, False)),
        ({"x": "cc" * 32}, (None, False)),
        ({"x": None}, (None, False)),
        ({"x": A, "y": B}, (None, False)),
        ({"y": A}, (None, False)),
        ({}, (None, False)),
    ],
)
def test_a_unit_has_the_past_of_its_bytes(declared: dict[str, str | None], expected: tuple[float | None, bool]) -> None:
    """Other bytes, other paths, bytes that nothing names, and no bytes at all have none."""
    rows = [*had("a", 1, 1.0, False, x=A), *had("a", 2, 2.0, False, x=B), *had("a", 3, 3.0, True, x=A)]

    (past,) = told_by_unit([unit("a", **declared)], Past(rows, []))

    assert (past.since, past.is_in_latest) == expected


def test_a_digest_that_is_left_open_is_vouched_for_by_the_others() -> None:
    """Metadata beside a file may come without one; the file's own tells whether it is the same."""
    rows = had("a", 1, 1.0, True, x=A, y=B)

    same, other = told_by_unit([unit("a", x=A, y=None), unit("a", x=B, y=None)], Past(rows, []))

    assert (same.is_in_latest, other.is_in_latest) == (True, False)


def test_each_unit_is_told_its_own_refusals() -> None:
    """In their order."""
    refusals = [
        RefusalRow(unit(name).key, "rule", reason, "plugin", "Stage", None, None) for name, reason in ("a1", "b2", "a3")
    ]

    a, c = told_by_unit([unit("a"), unit("c")], Past([], refusals))

    assert [row.reason for row in a.refusals] == ["1", "3"]
    assert c.refusals == ()
