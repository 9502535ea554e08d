"""Brings bytes from folders of this machine: file URLs are remotes like any other."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes, urlsplit

from entrepot.download.body import Bound
from entrepot.download.errors import Absent, AccessDenied, DownloadError, Truncated, UnusableUrl
from entrepot.download.protocol import Answer
from entrepot.errors import SizeMismatch
from entrepot.model.downloading import Validator

if TYPE_CHECKING:
    from entrepot.download.protocol import Lane, Request
    from entrepot.model.incoming import Incoming
    from entrepot.model.remote import Remote

_BLOCK: Final = 256 * 1024
_SMALL: Final = 64 * 1024
_NOTHING_HERE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP})


class FileFetcher:
    """Reads regular files; their time, size and inode are the validator.

    Small files are read in place, larger ones in a thread. Links are followed: a mirror made by
    others is full of them.
    """

    def __init__(self, remote: Remote, lane: Lane) -> None:
        self._limits = remote.politeness
        self._lane = lane

    async def fetch(self, request: Request, incoming: Incoming) -> Answer:
        """Read the file to `incoming`, always from its start."""
        file = _open(path_of(request.url), request.url)
        try:
            found = os.fstat(file)
            answer = _answer(request, found)
            if not answer.not_modified:
                _check_size(request, found.st_size)
                if incoming.written:
                    incoming.restart()
                await self._read(file, found.st_size, request, incoming)
            return answer
        finally:
            os.close(file)

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _read(self, file: int, size: int, request: Request, incoming: Incoming) -> None:
        if size <= _SMALL and not self._lane.charges:
            self._lane.traffic.bytes += _copy(file, incoming, size, threading.Event())
            return
        stop, left = threading.Event(), size
        while left:
            piece = min(left, _BLOCK * 16)
            job = asyncio.get_running_loop().run_in_executor(self._lane.threads, _copy, file, incoming, piece, stop)
            await _finished(job, stop)
            if job.result() < piece:
                raise Truncated("the file became shorter while it was read", request.url)
            self._lane.traffic.bytes += piece
            left -= piece
            if self._lane.charges:
                await self._lane.pay(piece)


def path_of(url: str) -> bytes:
    """Return the path that a file URL names, percent-decoded, or raise `UnusableUrl`."""
    parts = urlsplit(url)
    path = unquote_to_bytes(parts.path)
    if parts.netloc not in ("", "localhost"):
        raise UnusableUrl("a file URL with a host cannot be read", url, remedy="write it as file:///PATH")
    if parts.query or parts.fragment or "#" in url or "?" in url:
        raise UnusableUrl(
            "a file URL has a path and nothing else", url, remedy="write '?' in a name as %3F and '#' as %23"
        )
    if not path.startswith(b"/") or b"\0" in path:
        raise UnusableUrl("a file URL needs an absolute path", url, remedy="write it as file:///PATH")
    return path


def _open(path: bytes, url: str) -> int:
    try:
        # Not blocking: opening a named pipe would wait for somebody to write to it.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _unreadable(error, url) from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise UnusableUrl("this is no regular file", url, remedy="see whether the path is that of a file")
    return file


def _unreadable(error: OSError, url: str) -> DownloadError:
    if error.errno in _NOTHING_HERE:
        return Absent("there is no such file", url, remedy="see whether the path is right")
    return AccessDenied(
        f"the file cannot be read: {(error.strerror or 'unknown reason').lower()}",
        url,
        remedy="give whoever runs this the right to read it",
    )


def _answer(request: Request, found: os.stat_result) -> Answer:
    etag = f'"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"'
    known = request.validator or Validator()
    return Answer(request.url, {"Content-Length": str(found.st_size), "ETag": etag}, not_modified=known.etag == etag)


def _check_size(request: Request, size: int) -> None:
    declared = request.expected.size
    if declared is not None and size != declared:
        raise SizeMismatch(declared, size)
    if declared is None and request.limit is not None and size > request.limit:
        raise Bound(url=request.url, size=None, limit=request.limit).exceeded(size)


def _copy(file: int, incoming: Incoming, count: int, stop: threading.Event) -> int:
    """Copy so many bytes, or fewer at the end of the file, and return how many."""
    left = count
    while left and not stop.is_set():
        data = os.read(file, min(left, _BLOCK))
        if not data:
            break
        incoming.write(data)
        left -= len(data)
    return count - left


async def _finished(job: asyncio.Future[int], stop: threading.Event) -> None:
    """Wait for the thread; when cancelled, tell it to stop and wait until it has."""
    try:
        await asyncio.wait((job,))
    except asyncio.CancelledError:
        stop.set()
        while not job.done():
            try:
                await asyncio.wait((job,))
            except asyncio.CancelledError:
                continue  # the first one is raised below; the thread must end first
        job.exception()
        raise
