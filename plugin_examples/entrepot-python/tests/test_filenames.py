"""What the name of a file tells."""

from __future__ import annotations

import pytest

from entrepot_python.filenames import read_filename


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
