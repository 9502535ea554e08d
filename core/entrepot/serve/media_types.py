"""Media types of artifacts, by name; nothing of the machine's own tables is read."""

from __future__ import annotations

from typing import Final

UNKNOWN: Final = "application/octet-stream"

#: By the end of the name, in lower case; the first that fits counts.
_BY_ENDING: Final = {
    ".tar.gz": "application/gzip",
    ".tgz": "application/gzip",
    ".gz": "application/gzip",
    ".xz": "application/x-xz",
    ".bz2": "application/x-bzip2",
    ".zst": "application/zstd",
    ".tar": "application/x-tar",
    ".zip": "application/zip",
    ".whl": "application/zip",
    ".jar": "application/java-archive",
    ".deb": "application/vnd.debian.binary-package",
    ".rpm": "application/x-rpm",
    ".json": "application/json",
    ".xml": "application/xml",
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".metadata": "text/plain; charset=utf-8",
    ".asc": "text/plain; charset=utf-8",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".iso": "application/x-iso9660-image",
}


def media_type_of(path: str) -> str:
    """Tell what a client may take the bytes for."""
    name = path.rpartition("/")[2].lower()
    return next((kind for ending, kind in _BY_ENDING.items() if name.endswith(ending)), UNKNOWN)
