"""What the name of a file tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.testing.strategies import a_few
from entrepot_python.filenames import read_filename, version_of

DIGITS = "1" * 5000
TAGS = ".".join(f"a{number}" for number in range(2000))


@pytest.mark.parametrize(
    ("filename", "version", "kind"),
    [
        ("demo-1.0-py3-none-any.whl", "1.0", "wheel"),
        ("demo_x-1.0+cpu.tar.gz", "1.0+cpu", "sdist"),
        ("demo-1.0.zip", "1.0", "sdist"),
        ("demo-1.0.tar.bz2", None, "sdist"),
        ("demo-1.0-py3.8.egg", None, "egg"),
        ("demo-1.0.win32.exe", None, "other"),
        ("nonsense.whl", None, "wheel"),
        ("demo-1_0-py3-none-any.whl", None, "wheel"),
    ],
)
def test_version_and_kind_are_told_from_the_name_of_a_file(filename: str, version: str | None, kind: str) -> None:
    """Old forms do not say the version clearly, so nothing is guessed."""
    found = read_filename(filename)

    assert (None if found.version is None else str(found.version)) == version
    assert found.kind == kind
    assert bool(found.tags) == (kind == "wheel" and version is not None)


@pytest.mark.fault("B03")
@pytest.mark.promise("P33")
@pytest.mark.parametrize(
    "filename",
    [
        f"demo-{DIGITS}.tar.gz",
        f"demo-{DIGITS}-py3-none-any.whl",
        f"demo-1-{TAGS}-{TAGS}-{TAGS}.whl",
        f"demo-1-{TAGS[:200]}-{TAGS[:200]}-{TAGS[:200]}.whl",
        f"{TAGS}.whl",
    ],
)
def test_a_name_that_takes_long_to_read_tells_nothing(filename: str) -> None:
    """A wheel has every combination of the tags in its name: two kilobytes were millions of them."""
    assert read_filename(filename).version is None
    assert read_filename(filename).tags == frozenset()
    assert version_of(filename) is None


WORDS = st.sampled_from(["demo", "1", "1.0", "py3", "none", "any", "cp311", "x.y", "", ".", "_", "+", "!", "1" * 4400])


@pytest.mark.promise("P33")
@a_few(100)
@given(parts=st.lists(WORDS | st.text(max_size=5), max_size=7), suffix=st.sampled_from([".whl", ".tar.gz", ".zip", ""]))
def test_any_name_tells_something_or_nothing(parts: list[str], suffix: str) -> None:
    """And never ends a sync."""
    filename = "-".join(parts) + suffix

    assert read_filename(filename).version == version_of(filename)
