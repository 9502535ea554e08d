"""What an operating system's error means for a depot."""

from __future__ import annotations

import errno
from typing import Final

from entrepot.errors import DepotError, DiskFailed, DiskFull, StorageReadOnly, TooLittleMemory, TooManyFiles

_KNOWN: Final = {
    errno.ENOSPC: DiskFull,
    errno.EDQUOT: DiskFull,
    errno.EROFS: StorageReadOnly,
    errno.EACCES: StorageReadOnly,
    errno.EPERM: StorageReadOnly,
    errno.EIO: DiskFailed,
    errno.EMFILE: TooManyFiles,
    errno.ENFILE: TooManyFiles,
    errno.ENOMEM: TooLittleMemory,
}
_MISSING: Final = {errno.ENOENT, errno.ENOTDIR}


def fault(error: OSError, where: str) -> DepotError:
    """Tell it in our words: what, at which path, and what to do."""
    place = str(error.filename or where)
    known = _KNOWN.get(error.errno or 0)
    if known is not None:
        return known(place)
    if error.errno in _MISSING:
        # Of two names it is the new one whose folder is not there: the file itself was just written.
        return DepotError(
            "a folder of the storage is missing", str(error.filename2 or place), "make it anew: entrepot init"
        )
    return DepotError(
        f"the storage cannot be used: {error.strerror or error}", place, "mend what is at that path, then run again"
    )
