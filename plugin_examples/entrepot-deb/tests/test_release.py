"""A Release file is read, or refused by our error: it was signed by somebody, which says nothing of its form."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.plugin import InvalidMetadata
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
