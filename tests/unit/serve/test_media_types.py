"""Media types by name."""

from __future__ import annotations

import pytest

from entrepot.serve.media_types import UNKNOWN, media_type_of


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("files/demo/demo-1.0.tar.gz", "application/gzip"),
        ("files/demo/Demo-1.0-py3-none-any.WHL", "application/zip"),
        ("files/demo/demo.whl.metadata", "text/plain; charset=utf-8"),
        ("Packages", UNKNOWN),
        ("a.json/b", UNKNOWN),
    ],
)
def test_the_name_tells_the_media_type(path: str, kind: str) -> None:
    """Compression is part of the file, never an encoding that a client would undo."""
    assert media_type_of(path) == kind
