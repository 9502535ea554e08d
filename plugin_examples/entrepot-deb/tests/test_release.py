"""A Release file is read, or refused by our error: it was signed by somebody, which says nothing of its form."""

from __future__ import annotations

import datetime
import re
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.plugin import InvalidMetadata
from entrepot_deb.choice import parts_of
from entrepot_deb.options import DebOptions
from entrepot_deb.release import ListedIndex, read_release

WHOLE = (
    b"Suite: stable\nCodename: firm\nDate: Fri, 02 Jan 2026 12:00:00 UTC\nValid-Until: Fri, 09 Jan 2026 12:00:00 UTC\n"
    b"Architectures: amd64 arm64\nComponents: updates/main extra\nAcquire-By-Hash: yes\nMD5Sum:\n 12 3 main/Contents\n"
    b"SHA256:\n " + b"AB" * 32 + b"     1234 main/binary-amd64/Packages.xz\n"
)


def test_what_a_release_says_is_read() -> None:
    """Weaker digests are passed over, and the folder before a component is not part of its name."""
    release = read_release(WHOLE, what="Release")

    path = "main/binary-amd64/Packages.xz"
    assert release.indices == {path: ListedIndex(path, "ab" * 32, 1234)}
    assert (release.codename, release.by_hash) == ("firm", True)
    assert release.components == ("main", "extra")
    assert release.architectures == ("amd64", "arm64")
    assert release.moment == datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC)
    assert release.expires == datetime.datetime(2026, 1, 9, 12, tzinfo=datetime.UTC)


@given(st.data())
def test_any_damage_is_refused_by_our_error_or_changes_nothing_else(data: st.DataObject) -> None:
    """A piece is taken out, put in, or overwritten, anywhere."""
    start = data.draw(st.integers(0, len(WHOLE)))
    stop = data.draw(st.integers(start, min(len(WHOLE), start + 30)))
    text = WHOLE[:start] + data.draw(st.binary(max_size=30)) + WHOLE[stop:]

    try:
        release = read_release(text, what="Release")
    except InvalidMetadata:
        return
    assert release.moment.tzinfo is not None
    assert not any(path.startswith("/") or ".." in path.split("/") for path in release.indices)


@pytest.mark.parametrize(
    "date",
    [
        "",
        "yesterday",
        "Fri, 02 Jan 99999 12:00:00 UTC",
        "Fri, 02 Jan 2026 12:00:00 +9999999",
        "Fri, 31 Dec 9999 23:59:59 -2359",  # a year later in UTC, which has none
    ],
)
def test_a_date_that_is_none_is_refused(date: str) -> None:
    """Without it nobody could tell an old state from a new one."""
    with pytest.raises(InvalidMetadata, match="Date"):
        read_release(WHOLE.replace(b"Fri, 02 Jan 2026 12:00:00 UTC", date.encode()), what="Release")


@pytest.mark.promise("P27")
def test_paragraphs_that_nobody_asked_for_are_not_held() -> None:
    """A Release has one; the second one ends it."""
    tracemalloc.start()
    with pytest.raises(InvalidMetadata, match="not one paragraph"):
        read_release(b"A:\n\n" * 50_000, what="Release")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1_000_000


def test_what_is_named_twice_is_there_once() -> None:
    """Else each list would be read as often as a Release says its name."""
    text = WHOLE.replace(b"Components: ", b"Components: extra ").replace(b"Architectures: ", b"Architectures: arm64 ")

    release = read_release(text, what="Release")

    assert sorted(release.components) == ["extra", "main"]
    assert sorted(release.architectures) == ["amd64", "arm64"]


def test_names_without_end_are_refused_at_once() -> None:
    """Every component for every architecture would be looked for, and for each of them all files."""
    many = b" ".join(b"n%d" % at for at in range(10_000))
    text = re.sub(rb"(Components|Architectures): [^\n]*", rb"\1: " + many, WHOLE)

    with pytest.raises(InvalidMetadata, match="10000 components for 10000 architectures"):
        parts_of(read_release(text, what="Release"), DebOptions(suites=["stable"]), "stable")
