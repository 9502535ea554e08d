"""Scratch files: where metadata lies while a sync reads it."""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from entrepot.errors import DepotError, IntegrityError
from entrepot.model.verification import Verification

if TYPE_CHECKING:
    from entrepot.model.artifact import Artifact
    from entrepot.model.digest import Digest


class ScratchReceiver:
    """Receives into files of one folder, which its owner made and removes.

    Nothing here is durable. Several receivers may share a folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()

    def receive(self, expected: Artifact) -> ScratchIncoming:
        """Begin a file with a name that nobody chose and nobody can guess."""
        name = f"{next(self._numbers)}-{os.urandom(8).hex()}"
        return ScratchIncoming(self._folder / name, expected)


class ScratchIncoming:
    """A file being written."""

    def __init__(self, path: Path, expected: Artifact) -> None:
        self._path = path
        self._verification = Verification(expected)
        self._finished = False
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unwritable(path, error) from error

    @property
    def written(self) -> int:
        return self._verification.count

    def write(self, data: bytes | memoryview) -> None:
        self._verification.update(data)
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def restart(self) -> None:
        self._verification.restart()
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)

    def finish(self) -> ScratchFile:
        try:
            digests = self._verification.finish()
        except IntegrityError:
            self.discard()
            raise
        self._close()
        self._finished = True
        return ScratchFile(path=self._path, size=self._verification.count, digests=digests)

    def discard(self) -> None:
        if self._file >= 0 and not self._finished:
            self._path.unlink(missing_ok=True)
        self._close()

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


@attrs.frozen(kw_only=True)
class ScratchFile:
    """A file that came in whole."""

    path: Path
    size: int
    digests: tuple[Digest, ...]

    @property
    def sha256(self) -> bytes:
        return self.digests[0].value

    def discard(self) -> None:
        with suppress(FileNotFoundError):
            self.path.unlink()


def _unwritable(path: Path, error: OSError) -> DepotError:
    return DepotError(
        f"a scratch file cannot be written: {error.strerror}",
        where=str(path.parent),
        remedy="free some space there, or set another [depot] home",
    )
