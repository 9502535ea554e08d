"""Relative paths: what may come from outside."""

from __future__ import annotations

import os.path
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.errors import InvalidPath
from entrepot.model.relative_path import relative_path
from entrepot.testing.strategies import bad_paths, relative_paths

ROOT = pathlib.PurePosixPath("/srv/of/all")
ODD_NAMES = st.sampled_from(["..", ".", "", "a", "%2e", "\\", "b c"])


@pytest.mark.fault("B01", "B02")
@pytest.mark.promise("P29")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../x",
        "a/../x",
        "a/..",
        ".",
        "./x",
        "a/./b",
        "a//b",
        "a/",
        "a\\b",
        "a\0b",
        "a\nb",
        "a\x7f",
        "\x1b",
    ],
)
def test_what_could_leave_the_root_or_name_no_file_is_refused(text: str) -> None:
    """The check is made in this one place."""
    with pytest.raises(InvalidPath):
        relative_path(text)


@pytest.mark.fault("B02", "B05")
@pytest.mark.parametrize(
    "text", ["a", "a/b", "...", "..a", "a..", "%2e%2e/x", "-rf", "é/ü", "a b", ".hidden", "a:b", "~"]
)
def test_other_names_are_taken_as_they_are(text: str) -> None:
    """Nothing is decoded, folded or rewritten."""
    assert relative_path(text) == text


@pytest.mark.fault("B03")
@pytest.mark.parametrize("text", ["a" * 256, "/".join(["a" * 200] * 21), "é" * 128])
def test_names_longer_than_file_systems_bear_are_refused(text: str) -> None:
    """The limits count bytes."""
    with pytest.raises(InvalidPath, match="too long"):
        relative_path(text)


@pytest.mark.fault("B18")
def test_a_lone_surrogate_is_refused() -> None:
    """It could not be written in UTF-8 by anybody."""
    with pytest.raises(InvalidPath, match="not Unicode"):
        relative_path("a\ud800")


@pytest.mark.fault("B01")
@pytest.mark.promise("P29")
@given(st.text() | relative_paths() | bad_paths() | st.lists(ODD_NAMES).map("/".join))
def test_an_accepted_path_stays_below_its_root(text: str) -> None:
    """Whatever is accepted names something strictly below the root, by the rules of the file system."""
    try:
        path = relative_path(text)
    except InvalidPath:
        return

    joined = pathlib.PurePosixPath(os.path.normpath(ROOT / path))
    assert joined.is_relative_to(ROOT)
    assert joined != ROOT
