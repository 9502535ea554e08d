"""What runs that ended should have taken with them: temporary files, and files held open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from entrepot.depot import Depot
from entrepot.storage.filesystem import FilesystemStorage

_OWNER = ".owner"
_HANDLES = Path("/proc/self/fd")


def leftovers(depot: Depot) -> Iterator[str]:
    """Temporary files of a storage on disk, and its files that this process has open."""
    if not isinstance(depot.storage, FilesystemStorage):
        return
    temporary = depot.storage.root / "tmp"
    for file in temporary.iterdir() if temporary.is_dir() else ():
        if not file.name.endswith(_OWNER):
            yield f"a temporary file is left: {file.name}"
    for path in _open_files(depot.storage.root.resolve()):
        yield f"a file of the storage is open: {path}"


def _open_files(root: Path) -> Iterator[Path]:
    for handle in _HANDLES.iterdir() if _HANDLES.is_dir() else ():
        with suppress(OSError):
            path = Path(os.readlink(handle))
            if path.is_relative_to(root) and not path.name.endswith(_OWNER):
                yield path
