"""What an operating system's error means for a depot."""

from __future__ import annotations

import errno

from entrepot.errors import DepotError, DiskFailed, DiskFull, StorageReadOnly, TooManyFiles

_FULL = {errno.ENOSPC, errno.EDQUOT}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}
_FILES = {errno.EMFILE, errno.ENFILE}
_MISSING = {errno.ENOENT, errno.ENOTDIR}


def fault(error: OSError, where: str) -> DepotError:
    """Tell it in our words: what, at which path, and what to do."""
    place = str(error.filename or where)
    if error.errno in _FULL:
        return DiskFull(place)
    if error.errno in _READ_ONLY:
        return StorageReadOnly(place)
    if error.errno == errno.EIO:
        return DiskFailed(place)
    if error.errno in _FILES:
        return TooManyFiles(place)
    if error.errno in _MISSING:
        return DepotError("a folder of the storage is missing", place, "make it anew: entrepot init")
    return DepotError(
        f"the storage cannot be used: {error.strerror or error}", place, "mend what is at that path, then run again"
    )
