"""What a URL tells of what is there."""

from __future__ import annotations

from typing import Literal

import pytest

from entrepot.plugin import ConfigurationError
from entrepot_file.options import FileOptions, Format, format_of


@pytest.mark.parametrize(
    ("url", "format_name"),
    [
        ("https://mirror.example/isos/PULP_MANIFEST", "pulp_manifest"),
        ("file:///srv/isos/PULP_MANIFEST", "pulp_manifest"),
        ("https://mirror.example/isos/PULP_MANIFEST?token=x", "pulp_manifest"),
        ("https://mirror.example/isos/SHA256SUMS", "sha256sums"),
        ("https://mirror.example/isos/sha256sum.txt", "sha256sums"),
        ("https://mirror.example/isos/disk.iso.sha256", "sha256sums"),
        ("file:///srv/isos/", "tree"),
        ("file:///srv/isos", "tree"),
    ],
)
def test_the_url_tells_the_format(url: str, format_name: Format) -> None:
    """What people name lists, and folders of this machine, need no option."""
    assert format_of(url, FileOptions()) == format_name


@pytest.mark.parametrize("format_name", ["pulp_manifest", "sha256sums", "tree"])
def test_the_option_has_the_last_word(format_name: Literal["pulp_manifest", "sha256sums", "tree"]) -> None:
    """A list may have any name."""
    assert format_of("file:///srv/isos/list.txt", FileOptions(format=format_name)) == format_name


@pytest.mark.parametrize("url", ["https://mirror.example/isos/", "https://mirror.example/isos/index.html"])
def test_a_url_that_tells_nothing_is_refused_with_what_to_do(url: str) -> None:
    """Guessing would end in an error about a line that nobody wrote."""
    with pytest.raises(ConfigurationError, match="does not tell") as told:
        format_of(url, FileOptions())

    assert 'format = "pulp_manifest"' in told.value.remedy


def test_a_tree_is_a_folder_of_this_machine() -> None:
    """A web server has no folders that one could walk."""
    with pytest.raises(ConfigurationError, match="no folder of this machine"):
        format_of("https://mirror.example/isos/", FileOptions(format="tree"))
