"""What a URL asks for."""

from __future__ import annotations

import datetime

import pytest

from entrepot.serve.target import NoSuchPath, Target, parse_target


@pytest.mark.parametrize(
    ("raw", "target"),
    [
        ("/tools", Target("tools", None, None)),
        ("/tools/", Target("tools", None, "")),
        ("/tools/simple/", Target("tools", None, "simple/")),
        ("/tools@7/files/a", Target("tools", 7, "files/a")),
        ("/tools%407/a", Target("tools", 7, "a")),
        ("/tools/a%2520b", Target("tools", None, "a%20b")),
        ("/tools/a+b%2Bc", Target("tools", None, "a+b+c")),
        ("/tools/%C3%BC", Target("tools", None, "ü")),
        ("/tools/a@2", Target("tools", None, "a@2")),
        ("/tools@7/./a/b", Target("tools", 7, "a/b")),
        ("/tools/./", Target("tools", None, "")),
    ],
)
def test_a_path_is_read_as_repository_version_and_place(raw: str, target: Target) -> None:
    """Percent signs are decoded once, and a plus sign is a plus sign."""
    assert parse_target(raw) == target


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-01", datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)),
        ("2026-11-01T12:30:00Z", datetime.datetime(2026, 11, 1, 12, 30, tzinfo=datetime.UTC)),
        ("20261101", datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)),
        ("20261101T123000Z", datetime.datetime(2026, 11, 1, 12, 30, tzinfo=datetime.UTC)),
        ("2026-11-01T12:30", datetime.datetime(2026, 11, 1, 12, 30, tzinfo=datetime.UTC)),
        ("2026-11-01T12:30:00+02:00", datetime.datetime(2026, 11, 1, 10, 30, tzinfo=datetime.UTC)),
    ],
)
def test_a_moment_is_in_utc_unless_it_says_otherwise(written: str, moment: datetime.datetime) -> None:
    """The same URL means the same on every machine."""
    assert parse_target(f"/tools@{written}/").at == moment.timestamp()


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "tools/a",
        "*",
        "//evil.example/a",
        "/tools//a",
        "/tools/../other/a",
        "/tools/..%2fother/a",
        "/tools/%2e%2e/other",
        "/tools/%2e/a",
        "/tools/././a",
        "/tools/a/./b",
        "/tools/./../a",
        "/tools/.//a",
        "/./tools/a/./b",
        "/tools/a%00b",
        "/tools/a%0d%0ab",
        "/tools/a%5c..%5cb",
        "/tools/%ff",
        "/tools/" + "a" * 256,
        "/tools@/a",
        "/tools@latest/a",
        "/tools@-1/a",
        "/tools@²/a",
        "/tools@2026-13-01/a",
        "/tools@2026-11-01T25:00/a",
        "/tools@0000-01-01/a",
        "/tools@" + "9" * 5000 + "/a",
        "/@7/a",
    ],
)
def test_what_cannot_be_the_path_of_anything_is_no_such_path(raw: str) -> None:
    """Nothing is cleaned up, guessed or rewritten: it is simply not there."""
    with pytest.raises(NoSuchPath):
        parse_target(raw)


@pytest.mark.parametrize(
    ("raw", "url"),
    [("/tools", "./tools/"), ("/tools@3", "./tools%403/"), ("/tools/a/b c", "./b%20c/"), ("/tools/a:b", "./a%3Ab/")],
)
def test_the_folder_of_a_place_is_named_relatively(raw: str, url: str) -> None:
    """A redirect stays within its version, and cannot lead to another host."""
    assert parse_target(raw.replace(" ", "%20")).folder_url == url
