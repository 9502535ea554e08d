"""Bytes on their way into a storage: small bodies in memory, large ones in a temporary file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from entrepot.errors import IntegrityError
from entrepot.model.verification import Verification
from entrepot.storage.faults import fault

if TYPE_CHECKING:
    from entrepot.model.artifact import Artifact
    from entrepot.model.digest import Digest
    from entrepot.storage.disk import Disk

#: A body up to this size makes no file before it is kept: thousands are then written at one go.
IN_MEMORY: Final = 64 * 1024

_NO_FILE: Final = -1


class TemporaryFiles(Protocol):
    """Where bodies too large for memory go."""

    def create(self) -> tuple[str, int]:
        """Make an empty file; its path, and itself opened."""


class Arriving:
    """A body while it comes in. At most one thread writes to it at a time."""

    __slots__ = ("_disk", "_file", "_files", "_held", "_most", "_path", "_pieces", "_verification")

    def __init__(self, expected: Artifact, *, files: TemporaryFiles, disk: Disk, in_memory: int = IN_MEMORY) -> None:
        self._verification = Verification(expected)
        self._files = files
        self._disk = disk
        self._most = in_memory
        self._pieces: list[bytes] = []
        self._held = 0
        self._path = ""
        self._file = _NO_FILE

    @property
    def written(self) -> int:
        """Bytes taken since the last restart."""
        return self._verification.count

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes; those that go past the declared size are refused and not written."""
        self._verification.update(data)
        if self._held + len(data) <= self._most:
            self._pieces.append(bytes(data))
            self._held += len(data)
        else:
            self._spill(data)

    def restart(self) -> None:
        """Forget what was written; a temporary file stays, and is used again."""
        self._verification.restart()
        self._pieces, self._held = [], 0
        if self._file != _NO_FILE:
            try:
                self._disk.empty(self._file)
            except OSError as error:
                raise self._given_up(error) from error

    def finish(self) -> Arrived:
        """Check size and digests; when they do not hold, or the disk is full, all is discarded."""
        try:
            digests = self._verification.finish()
        except IntegrityError:
            self.discard()
            raise
        if self._file == _NO_FILE:
            body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            return Arrived(digests, len(body), body=body, files=self._files, disk=self._disk)
        if self._held:
            self._spill(b"")
        try:
            self._disk.freeze(self._file)
            self._close()
        except OSError as error:
            raise self._given_up(error) from error
        return Arrived(digests, self.written, body=self._path, files=self._files, disk=self._disk)

    def discard(self) -> None:
        """Forget the bytes; after `finish` they belong to what it returned, and nothing happens."""
        self._pieces, self._held = [], 0
        if self._file != _NO_FILE:
            try:
                self._remove()
            finally:
                with suppress(OSError):
                    self._close()

    def _close(self) -> None:
        # Whatever closing says, the number is free for others' files: it is never closed twice.
        file, self._file = self._file, _NO_FILE
        self._disk.close(file)

    def _remove(self) -> None:
        with suppress(OSError):
            self._disk.unlink(self._path)

    def _spill(self, data: bytes | memoryview) -> None:
        try:
            if self._file == _NO_FILE:
                self._path, self._file = self._files.create()
            if self._pieces:
                self._disk.write(self._file, b"".join(self._pieces))
                self._pieces, self._held = [], 0
            self._disk.write(self._file, data)
        except OSError as error:
            raise self._given_up(error) from error

    def _given_up(self, error: OSError) -> Exception:
        if self._file == _NO_FILE and self._path:
            self._remove()
        self.discard()
        return fault(error, self._path)


class Arrived:
    """A body that came in whole, in memory or in a temporary file; kept or discarded once."""

    __slots__ = ("_body", "_disk", "_path", "digests", "files", "sha256", "size")

    def __init__(
        self, digests: tuple[Digest, ...], size: int, *, body: bytes | str, files: TemporaryFiles, disk: Disk
    ) -> None:
        self.digests = digests
        self.sha256 = digests[0].value
        self.size = size
        self.files = files
        self._disk = disk
        self._body, self._path = (body, "") if isinstance(body, bytes) else (b"", body)

    @property
    def is_in_memory(self) -> bool:
        """Whether no file has the bytes."""
        return not self._path

    @property
    def path(self) -> Path:
        """A file with the bytes; a body in memory is written to one when first asked for."""
        try:
            return Path(self.write_out(sync=False))
        except OSError as error:
            raise fault(error, self._path) from error

    def content(self) -> bytes:
        """All the bytes, for who keeps them in memory."""
        return Path(self._path).read_bytes() if self._path else self._body

    def write_out(self, *, sync: bool) -> str:
        """Bring the bytes into the temporary file, and with `sync` onto the medium; its path."""
        if self._path:
            if sync:
                file = self._disk.open(self._path)
                try:
                    self._disk.sync(file)
                finally:
                    self._disk.close(file)
            return self._path
        self._path, file = self.files.create()
        try:
            self._disk.write(file, self._body)
            self._disk.freeze(file)
            if sync:
                self._disk.sync(file)
        except BaseException:
            self.discard()
            raise
        finally:
            self._disk.close(file)
        return self._path

    def moved(self) -> None:
        """Note that the temporary file has another name now, and is no longer ours to remove."""
        self._path, self._body = "", b""

    def discard(self) -> None:
        """Forget the bytes; calling again does nothing."""
        path = self._path
        self.moved()
        if path:
            with suppress(OSError):
                self._disk.unlink(path)
