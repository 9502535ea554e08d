"""What content says of itself beyond its fields: its age, and its names."""

from __future__ import annotations

import datetime

import pytest

from entrepot_python.content import PythonFile, PythonProject


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2026-11-01T12:30:00.123456Z", datetime.datetime(2026, 11, 1, 12, 30, 0, 123456, datetime.UTC)),
        ("2026-11-01T12:30:00+02:00", datetime.datetime(2026, 11, 1, 10, 30, tzinfo=datetime.UTC)),
        ("2026-11-01T12:30:00", datetime.datetime(2026, 11, 1, 12, 30, tzinfo=datetime.UTC)),
        ("yesterday", None),
        ("2026-13-01T00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_a_file_says_when_it_was_uploaded(said: str | None, expected: datetime.datetime | None) -> None:
    """With a time zone, UTC where none is told; what cannot be read is as good as unsaid."""
    assert PythonFile("demo", "demo-1.0.tar.gz", upload_time=said).published_at() == expected


@pytest.mark.parametrize(
    ("filename", "release"),
    [
        ("demo_x-1.0-py3-none-any.whl", ("demo-x==1.0",)),
        ("demo_x-1.0.post1.tar.gz", ("demo-x==1.0.post1",)),
        ("demo-x.exe", ()),
    ],
)
def test_a_file_is_known_by_its_release(filename: str, release: tuple[str, ...]) -> None:
    """Beside its project and its own name; an odd name tells no release."""
    names = PythonFile("demo-x", filename).known_as()

    assert names == ("demo-x", filename, f"demo-x/{filename}", *release)


def test_a_project_is_known_by_its_name_and_has_no_age() -> None:
    """It was never published: files are."""
    project = PythonProject("demo")

    assert (project.known_as(), project.published_at()) == (("demo",), None)
