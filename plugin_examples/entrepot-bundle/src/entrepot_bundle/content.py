"""What is said about the three kinds of file."""

from __future__ import annotations

import attrs

from entrepot.plugin import Content, key


@attrs.frozen
class Index(Content):
    """The file that lists manifests."""

    TYPE = "bundle.index"

    path: str = key()
    sha256: str = ""


@attrs.frozen
class Manifest(Content):
    """A file that lists the blobs of one bundle."""

    TYPE = "bundle.manifest"

    path: str = key()
    sha256: str = ""


@attrs.frozen
class Blob(Content):
    """A file that is what it is."""

    TYPE = "bundle.blob"

    path: str = key()
    sha256: str = ""
