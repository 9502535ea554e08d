"""Where metadata lies while a sync reads it: small bodies in memory, large ones in files."""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from entrepot.errors import DepotError, IntegrityError
from entrepot.model.verification import Verification

if TYPE_CHECKING:
    from collections.abc import Callable

    from entrepot.model.artifact import Artifact
    from entrepot.model.digest import Digest

#: A body up to this size makes no file until somebody asks for its path.
_IN_MEMORY: Final = 64 * 1024

#: Bytes of such bodies that one folder's receivers hold at most; the next ones go to files at once.
_ALL_IN_MEMORY: Final = 8 * 1024**2

_NO_FILE: Final = -1


class ScratchReceiver:
    """Receives into memory and into files of one folder, which its owner made and removes.

    Nothing here is durable. Several receivers may share a folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._held = 0
        self._given_back: deque[int] = deque()
        self._holding = threading.Lock()

    def receive(self, expected: Artifact) -> ScratchIncoming:
        """Begin a body; a file of it gets a name that nobody chose and nobody can guess."""
        name = f"{next(self._numbers)}-{os.urandom(8).hex()}"
        return ScratchIncoming(self._folder / name, expected, hold=self._hold)

    def _hold(self, owner: object, size: int) -> bool:
        """Take a share of the memory for as long as its owner lives, or say that there is none left."""
        with self._holding:
            while self._given_back:
                self._held -= self._given_back.popleft()
            if self._held + size > _ALL_IN_MEMORY:
                return False
            self._held += size
        # A finalizer may run in the middle of anything, so it takes no lock.
        weakref.finalize(owner, self._given_back.append, size).atexit = False
        return True


class ScratchIncoming:
    """A body while it comes in."""

    def __init__(self, path: Path, expected: Artifact, *, hold: Callable[[object, int], bool]) -> None:
        self._path, self._hold = path, hold
        self._verification = Verification(expected)
        self._pieces: list[bytes] = []
        self._file = _NO_FILE
        self._finished = False

    @property
    def written(self) -> int:
        return self._verification.count

    def write(self, data: bytes | memoryview) -> None:
        self._verification.update(data)
        if self._file == _NO_FILE:
            self._pieces.append(bytes(data))
            if self._verification.count > _IN_MEMORY:
                self._spill()
        else:
            self._write(data)

    def restart(self) -> None:
        self._verification.restart()
        self._pieces = []
        if self._file != _NO_FILE:
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)

    def finish(self) -> ScratchFile:
        try:
            digests = self._verification.finish()
        except IntegrityError:
            self.discard()
            raise
        body = b"".join(self._pieces) if self._file == _NO_FILE else None
        self._pieces = []
        self._close()
        self._finished = True
        received = ScratchFile(self._path, body, size=self._verification.count, digests=digests)
        if body and not self._hold(received, len(body)):
            received.spill()
        return received

    def discard(self) -> None:
        self._pieces = []
        if self._file != _NO_FILE and not self._finished:
            self._path.unlink(missing_ok=True)
        self._close()

    def _spill(self) -> None:
        self._file = _create(self._path)
        self._write(b"".join(self._pieces))
        self._pieces = []

    def _write(self, data: bytes | memoryview) -> None:
        try:
            _write_all(self._file, data)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def _close(self) -> None:
        if self._file != _NO_FILE:
            os.close(self._file)
            self._file = _NO_FILE


class ScratchFile:
    """A body that came in whole, in memory until somebody asks for its path."""

    def __init__(self, path: Path, body: bytes | None, *, size: int, digests: tuple[Digest, ...]) -> None:
        self.size, self.digests = size, digests
        self._path, self._body = path, body
        self._writing = threading.Lock()

    @property
    def sha256(self) -> bytes:
        return self.digests[0].value

    @property
    def path(self) -> Path:
        self.spill()
        return self._path

    def content(self) -> bytes:
        body = self._body
        return self._path.read_bytes() if body is None else body

    def spill(self) -> None:
        """Move the bytes from memory to the file, unless that is done."""
        with self._writing:
            if self._body is None:
                return
            file = _create(self._path)
            try:
                _write_all(file, self._body)
            except OSError as error:
                self._path.unlink()
                raise _unwritable(self._path, error) from error
            finally:
                os.close(file)
            self._body = None

    def discard(self) -> None:
        with suppress(FileNotFoundError):
            self._path.unlink()


def _create(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from error


def _write_all(file: int, data: bytes | memoryview) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]


def _unwritable(path: Path, error: OSError) -> DepotError:
    return DepotError(
        f"a scratch file cannot be written: {error.strerror}",
        where=str(path.parent),
        remedy="free some space there, or set another [depot] home",
    )
