"""One decoder for each compression, all of one form, each with a limit to its memory."""

from __future__ import annotations

import bz2
import functools
import importlib
import lzma
import sys
import zlib
from collections.abc import Callable
from typing import Any, Final, Literal, Protocol, TypeAlias

from entrepot.errors import ConfigurationError

Compression: TypeAlias = Literal["bzip2", "gzip", "lzma", "xz", "zstd"]

#: Bytes of memory that an xz or lzma file may ask for; `xz -9` asks for 65 MiB.
_XZ_MEMORY: Final = 128 * 1024**2

#: Two to this power is the longest stretch that zstd may look back over; `zstd --ultra -22` does not.
_ZSTD_WINDOW: Final = 27

#: Bytes of zstd that are decoded at once, to 8 MiB at most.
_BITE: Final = 256
_GZIP: Final = 16 + zlib.MAX_WBITS


class Decompressor(Protocol):
    """Decodes one member of a file, so much at a time; all of the standard library's do but gzip's."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def maker_of(compression: Compression) -> Callable[[], Decompressor]:
    """What makes a decoder for each member; `ConfigurationError` when its library is not installed."""
    match compression:
        case "bzip2":
            return bz2.BZ2Decompressor
        case "gzip":
            return _Gzip
        case "lzma":
            return lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_XZ_MEMORY)
        case "xz":
            return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        case "zstd":
            return _zstd()


class _Gzip:
    """A member of gzip, in the form of the others."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        piece = self._member.decompress(self._member.unconsumed_tail + data, max_length)
        # A full piece may have more behind it, also when all input is used up.
        self.needs_input = len(piece) < max_length and not self._member.unconsumed_tail
        return piece


class _Zstandard:
    """A frame of zstd by the package `zstandard`, in the form of the others.

    It gives all at once what a piece of input decodes to. Four bytes can be 128 KiB, so that it is
    fed in small bites.
    """

    def __init__(self, library: Any) -> None:
        self._frame = library.ZstdDecompressor(max_window_size=1 << _ZSTD_WINDOW).decompressobj()
        self._input = self._output = b""
        self._at = 0

    @property
    def eof(self) -> bool:
        return bool(self._frame.eof) and not self._waiting

    @property
    def needs_input(self) -> bool:
        return not self._waiting and not self._input

    @property
    def unused_data(self) -> bytes:
        return bytes(self._frame.unused_data) + self._input

    def decompress(self, data: bytes, max_length: int) -> bytes:
        self._input += data
        while self._input and not self._waiting and not self._frame.eof:
            bite, self._input = self._input[:_BITE], self._input[_BITE:]
            self._output, self._at = self._frame.decompress(bite), 0
        piece = self._output[self._at : self._at + max_length]
        self._at += len(piece)
        return piece

    @property
    def _waiting(self) -> bool:
        """Whether there is output that nobody took yet; slicing it off would copy the rest each time."""
        return self._at < len(self._output)


def _zstd() -> Callable[[], Decompressor]:
    if sys.version_info >= (3, 14):
        library = importlib.import_module("compression.zstd")  # not there before
        options = {library.DecompressionParameter.window_log_max: _ZSTD_WINDOW}
        return functools.partial(library.ZstdDecompressor, options=options)
    try:
        import zstandard  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise ConfigurationError(
            "this is compressed with zstd, and nothing here decodes that",
            remedy="install the extra: pip install 'entrepot[zstd]', or use Python 3.14",
        ) from error
    return lambda: _Zstandard(zstandard)
