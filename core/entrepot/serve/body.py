"""Bodies that are here: how their bytes get onto the wire."""

from __future__ import annotations

import asyncio
import os
from typing import BinaryIO, Final, Protocol

from aiohttp import web

_PIECE: Final = 256 * 1024


class Body(Protocol):
    """Bytes that are here, whole and verified."""

    @property
    def size(self) -> int: ...

    async def send(self, request: web.Request, response: web.StreamResponse, *, start: int, count: int) -> None:
        """Put a piece on the wire, after the head; a piece that ends early breaks the connection off."""

    def close(self) -> None:
        """Let go of what holds the bytes."""


class BytesBody:
    """A small body in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self._data)

    async def send(self, request: web.Request, response: web.StreamResponse, *, start: int, count: int) -> None:  # noqa: ARG002  one signature for every kind of body
        """Put a piece on the wire."""
        await response.write(self._data[start : start + count])

    def close(self) -> None:
        """Nothing is held."""


class FileBody:
    """An open file of the file system; the kernel sends it where it can."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self._size

    async def send(self, request: web.Request, response: web.StreamResponse, *, start: int, count: int) -> None:
        """Put a piece on the wire, at the pace of the client."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client is gone")
        try:
            sent = await asyncio.get_running_loop().sendfile(transport, self._file, start, count)
        except NotImplementedError:  # uvloop has none
            sent = await self._copy(response, start, count)
        if sent != count:
            transport.abort()

    async def _copy(self, response: web.StreamResponse, start: int, count: int) -> int:
        """Send by hand; several clients may be sent one file."""
        sent = 0
        while piece := await asyncio.to_thread(self._read, start + sent, min(_PIECE, count - sent)):
            await response.write(piece)
            sent += len(piece)
        return sent

    def _read(self, start: int, count: int) -> bytes:
        return os.pread(self._file.fileno(), count, start)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def body_of(file: BinaryIO, size: int) -> Body:
    """Make a body of what a storage opened; small bodies that are no files come into memory."""
    try:
        file.fileno()
    except OSError:
        with file:
            return BytesBody(file.read())
    return FileBody(file, size)
