"""Final names: where the bytes of a digest stand, and whether it is they that stand there."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import stat
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from entrepot.storage.disk import Disk
    from entrepot.storage.protocol import Damage

#: What opening a name says when there is no file, or a link, a pipe, a socket, or a broken one.
_NO_FILE: Final = {errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EACCES}

#: Which of these mean that nothing is there at all, or that the disk or its rights keep it from us.
_NOTHING_THERE: Final = {errno.ENOENT, errno.ENOTDIR}
_UNREADABLE: Final = {errno.EIO, errno.EACCES, errno.EPERM}

#: What giving a second name says where files can have but one.
_ONE_NAME: Final = {errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS}

#: Bytes that are read at once, so few that they are still in the processor's cache when they are hashed.
_BUFFER: Final = 256 * 1024

#: The folder, beside that of the final names, for folders that stood under one.
_DISPLACED: Final = "displaced"


class Shelf:
    """Files at `ab/cdef...` of a folder, by sha256.

    Nothing that stands there is trusted: links are not followed, pipes not waited on, and bytes
    count only once they were read and hashed.
    """

    def __init__(self, root: str, disk: Disk) -> None:
        self.root = root
        self._disk = disk
        self._buffers = threading.local()

    def folders(self) -> list[str]:
        """All folders that there may be."""
        return [f"{self.root}/{number:02x}" for number in range(256)]

    def folder(self, sha256: bytes) -> str:
        """The folder that holds the name of a digest."""
        return f"{self.root}/{sha256[:1].hex()}"

    def name(self, sha256: bytes) -> str:
        """The one path at which bytes with this digest stand."""
        digits = sha256.hex()
        return f"{self.root}/{digits[:2]}/{digits[2:]}"

    def holds(self, sha256: bytes, size: int | None = None) -> bool:
        """Whether a file stands under the digest; its bytes are not looked at."""
        try:
            status = os.lstat(self.name(sha256))
        except OSError:
            return False
        return stat.S_ISREG(status.st_mode) and size in (None, status.st_size)

    def open(self, sha256: bytes) -> int | None:
        """Open what stands under the digest, or None when that is no file; a failing disk is told."""
        try:
            file = self._disk.open(self.name(sha256))
        except OSError as error:
            if error.errno in _NO_FILE:
                return None
            raise
        if stat.S_ISREG(os.fstat(file).st_mode):
            return file
        self._disk.close(file)
        return None

    def verify(self, sha256: bytes, *, sync: bool = True) -> int | None:
        """Read and hash what stands under the digest, and sync it; its size, or None when it is wrong.

        What the disk fails to read, or to sync, is wrong: no second try at syncing would tell.
        """
        try:
            return self._verified(sha256, sync=sync)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return None

    def examine(self, sha256: bytes, size: int) -> Damage | None:
        """Say what is wrong with what stands under the digest; bytes of another size are not read."""
        try:
            return self._examined(sha256, size)
        except OSError as error:
            return _refused(error)

    def _examined(self, sha256: bytes, size: int) -> Damage | None:
        file = self._disk.open(self.name(sha256))
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                return "mistyped"
            if status.st_size != size:
                return "short" if status.st_size < size else "long"
            return None if self._hashed(file) == (sha256, size) else "flipped"
        finally:
            self._disk.close(file)

    def _verified(self, sha256: bytes, *, sync: bool) -> int | None:
        file = self.open(sha256)
        if file is None:
            return None
        try:
            found, size = self._hashed(file)
            if found != sha256:
                return None
            if sync:
                self._disk.sync(file)
            return size
        finally:
            self._disk.close(file)

    def _hashed(self, file: int) -> tuple[bytes, int]:
        """Hash an open file, and count its bytes.

        Through this thread's buffer: a new one for each costs more than most files.
        """
        buffer: memoryview | None = getattr(self._buffers, "view", None)
        if buffer is None:
            buffer = self._buffers.view = memoryview(bytearray(_BUFFER))
        digest, size = hashlib.sha256(), 0
        while taken := self._disk.read(file, buffer):
            digest.update(buffer[:taken])
            size += taken
        return digest.digest(), size

    def place(self, path: str, sha256: bytes) -> bool:
        """Move a file under its digest; False, with the file left, when the right bytes stand there.

        Names in the folder are not synced: that is paid for once a round. The folder itself is made
        where it is lost and those above it are not, as they would be on a disk that is not mounted.
        """
        name = self.name(sha256)
        try:
            self._link(path, name)
        except FileExistsError:
            if self.verify(sha256) is not None:
                return False
            self._replace(path, name)
        except OSError as error:
            if error.errno not in _ONE_NAME:
                raise
            if self.verify(sha256) is not None:
                return False
            self._replace(path, name)
        else:
            self._disk.unlink(path)
        return True

    def remove(self, sha256: bytes) -> bool:
        """Take the name away, and say whether there was one."""
        try:
            self._disk.unlink(self.name(sha256))
        except FileNotFoundError:
            return False
        return True

    def _link(self, path: str, name: str) -> None:
        try:
            self._disk.link(path, name)
        except FileNotFoundError:
            if os.path.lexists(os.path.dirname(name)) or not os.path.isdir(self.root):
                raise
            with suppress(FileExistsError):  # another process or thread was faster
                self._disk.make_folder(os.path.dirname(name))
            self._disk.sync_folder(self.root)
            self._disk.link(path, name)

    def _replace(self, path: str, name: str) -> None:
        try:
            self._disk.replace(path, name)
        except IsADirectoryError:
            self._displace(name)
            self._disk.replace(path, name)

    def _displace(self, name: str) -> None:
        """Move a folder that stands under a final name out of the way; whatever is in it is kept."""
        above = f"{os.path.dirname(self.root)}/{_DISPLACED}"
        with suppress(FileExistsError):
            self._disk.make_folder(above, 0o700)
        aside = (f"{above}/{name[len(self.root) + 1 :].replace('/', '')}-{n}" for n in itertools.count(1))
        self._disk.replace(name, next(place for place in aside if not os.path.lexists(place)))
        self._disk.sync_folder(above)


def _refused(error: OSError) -> Damage:
    """What it means that a name cannot be opened, or not be read to its end; the rest is raised."""
    if error.errno in _NOTHING_THERE:
        return "missing"
    if error.errno in _UNREADABLE:
        return "unreadable"
    if error.errno in _NO_FILE:
        return "mistyped"
    raise error
