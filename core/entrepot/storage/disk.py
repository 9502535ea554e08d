"""The primitives that storage asks of a file system, one a method."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from entrepot.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Callable

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Disk:
    """A file system as the kernel gives it.

    Every step on which durability or trust rests goes through here, and passes a failpoint of its
    name: a test lets the n-th of them fail, or forgets what was not synced.
    """

    def create(self, path: str) -> int:
        """Make a file that is not there, for its owner alone."""
        failpoint("storage.create")
        return os.open(path, _CREATE, 0o600)

    def write(self, file: int, data: bytes | memoryview) -> None:
        """Write all of it; a full disk may take a part first."""
        failpoint("storage.write")
        left = memoryview(data)
        while left:
            left = left[os.write(file, left) :]

    def empty(self, file: int) -> None:
        """Start the file over."""
        failpoint("storage.empty")
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)

    def freeze(self, file: int) -> None:
        """Let everybody read it, and nobody change it."""
        failpoint("storage.freeze")
        os.fchmod(file, 0o444)

    def open(self, path: str) -> int:
        """Open for reading; a link is not followed, and a pipe is not waited on."""
        failpoint("storage.open")
        return os.open(path, _READ)

    def read(self, file: int, buffer: memoryview) -> int:
        """Read the next bytes into a buffer; how many, 0 at the end."""
        failpoint("storage.read")
        return os.readv(file, [buffer])

    def close(self, file: int) -> None:
        """Let go of the file. Also when that fails, its number is free: it is not closed again."""
        try:
            failpoint("storage.close")
        finally:
            os.close(file)

    def link(self, path: str, name: str) -> None:
        """Give a file a second name, or raise `FileExistsError`."""
        failpoint("storage.link")
        os.link(path, name)

    def replace(self, path: str, name: str) -> None:
        """Move a file onto another name, whatever stood there."""
        failpoint("storage.replace")
        os.replace(path, name)

    def unlink(self, path: str) -> None:
        """Take a name away."""
        failpoint("storage.unlink")
        os.unlink(path)

    def make_folder(self, path: str, mode: int = 0o777) -> None:
        """Make a folder, or raise `FileExistsError`."""
        failpoint("storage.make_folder")
        os.mkdir(path, mode)

    def sync(self, file: int) -> None:
        """Wait until the file is on the medium. A failure is final: the kernel forgets it was dirty."""
        failpoint("storage.sync")
        os.fsync(file)

    def sync_folder(self, path: str) -> None:
        """Wait until the names in a folder are on the medium."""
        failpoint("storage.sync_folder")
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def sync_whole(self, syncfs: Callable[[int], None], file: int) -> None:
        """Wait until all of the file system that `file` lies on is on the medium."""
        failpoint("storage.sync_whole")
        syncfs(file)
