"""What is said about a file."""

from __future__ import annotations

import attrs

from entrepot.plugin import Content, derived, key


@attrs.frozen
class FileContent(Content):
    """A file at a path. `size` is None as long as nobody has told it and the bytes are not here."""

    TYPE = "file.file"

    relative_path: str = key()
    sha256: str = ""
    size: int | None = derived(default=None)
