"""A folder for files that nobody needs after this process, and an end to those of dead ones."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import attrs

from entrepot.errors import DepotError
from entrepot.failpoints import failpoint

_PREFIX: Final = "scratch-"


@attrs.frozen
class ScratchFolder:
    """A folder that is locked as long as its process lives; the kernel ends the lock however it ends."""

    path: Path
    _handle: int

    @classmethod
    def make(cls, home: Path) -> Self:
        """Make one, after removing what processes left that were killed."""
        for left in home.glob(f"{_PREFIX}*"):
            with suppress(OSError):
                _remove_unless_locked(left)
        try:
            while True:
                failpoint("depot.scratch.make")
                path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
                with suppress(FileNotFoundError, BlockingIOError):  # another process took it for litter
                    return cls(path, _locked(path))
        except OSError as error:
            raise DepotError(
                f"a scratch folder cannot be made: {error.strerror}", str(home), f"df -h {home}; ls -ld {home}"
            ) from error

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        with suppress(OSError):
            failpoint("depot.scratch.remove")
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._handle)


def _remove_unless_locked(path: Path) -> None:
    handle = _locked(path)
    try:
        failpoint("depot.scratch.clear")
        shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(handle)


def _locked(path: Path) -> int:
    """Open and lock a folder that stands at the path; `BlockingIOError` when somebody has it."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(handle), os.lstat(path)):
            raise FileNotFoundError(path)
    except BaseException:
        os.close(handle)
        raise
    return handle
