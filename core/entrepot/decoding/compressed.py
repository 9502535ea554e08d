"""Compressed files as streams that end at a limit, whatever they would unfold to."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from entrepot.decoding.decompressors import Compression, Decompressor, maker_of
from entrepot.decoding.limits import LARGEST, RATIO, RATIO_COUNTS_FROM, beyond, unreadable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PIECE: Final = 64 * 1024

#: How decoders say that they would need more; they have no class of error for it.
_WANTS_MEMORY: Final = ("memory", "window")


def bounded_decode(
    path: Path, compression: Compression, *, limit: int = LARGEST, ratio: int = RATIO
) -> io.BufferedReader:
    """Open a compressed file for reading what it decodes to; one layer, all of its members.

    Reading raises `BeyondLimits` before the byte after `limit`, and as soon as more than 64 MiB came
    out that are over `ratio` times what went in. Broken, truncated and foreign bytes raise
    `InvalidMetadata`. Memory stays below 130 MiB for xz, lzma and zstd, below 10 MiB for bzip2, and below
    1 MiB for gzip. For zstd the extra `zstd` is needed before Python 3.14. Close it, or use it in a `with` statement.

    >>> with bounded_decode(download.path, "gzip") as index:
    ...     for line in index:
    ...         ...
    """
    make = maker_of(compression)
    return io.BufferedReader(_Decoded(open(path, "rb"), make, limit=limit, ratio=ratio), _PIECE)


class _Decoded(io.RawIOBase):
    """The decoded bytes of a file, counted."""

    def __init__(self, file: BinaryIO, make: Callable[[], Decompressor], *, limit: int, ratio: int) -> None:
        self._file, self._make, self._limit, self._ratio = file, make, limit, ratio
        self._member = make()
        self._taken = self._given = 0
        self._left = b""

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Decode into a buffer; 0 at the end of the last member."""
        room = memoryview(buffer).cast("B")
        piece = b""
        while not piece and self._more():
            piece = self._decode(min(len(room), _PIECE))
        self._given += len(piece)
        self._check()
        room[: len(piece)] = piece
        return len(piece)

    def _more(self) -> bool:
        """Whether a member is under way or there is another one."""
        if self._member.eof:
            self._left = self._member.unused_data
            self._fill()
            while self._left and not self._left.strip(b"\0"):  # tapes pad with zeros, and so do some tools
                self._left = b""
                self._fill()
            if not self._left:
                return False
            self._member = self._make()
        return True

    def _decode(self, most: int) -> bytes:
        if self._member.needs_input:
            self._fill()
            if not self._left:
                raise unreadable("a compressed file", "it ends too early", self._place)
        data, self._left = self._left, b""
        try:
            return self._member.decompress(data, most)
        except Exception as error:  # each decoder has errors of its own
            if isinstance(error, MemoryError) or any(word in str(error).lower() for word in _WANTS_MEMORY):
                raise beyond(
                    f"this wants more memory to be decompressed than it is given: {error}", self._place
                ) from error
            raise unreadable("a compressed file", error, self._place) from error

    def _fill(self) -> None:
        if not self._left:
            self._left = self._file.read(_PIECE)
            self._taken += len(self._left)

    def _check(self) -> None:
        if self._given > self._limit:
            raise beyond(f"this decodes to more than {self._limit} bytes", self._place)
        if self._given > RATIO_COUNTS_FROM and self._given > self._ratio * self._taken:
            raise beyond(f"this decodes to more than {self._ratio} times its size", self._place)

    @property
    def _place(self) -> str:
        return str(self._file.name)
