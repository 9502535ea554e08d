"""Temporary files, and whose they are."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import re
import threading
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from entrepot.storage.disk import Disk

_OWNER: Final = ".owner"
_NAME: Final = re.compile(r"(\d+-\d+-\d+)(?:-\d+|\.owner)")
_NO_LOCKS: Final = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}

#: Files that one sweep looks at, so that a start takes bounded time; the next sweep goes on.
SWEPT_AT_ONCE: Final = 50_000


class Scratch:
    """Makes temporary files in a folder that processes share.

    A name starts with its process's number and start time. Whether that process lives is told by a
    kernel lock on a file of the same start, which no reuse of a number and no container hides:
    `PID-START-N.owner` is locked as long as its storage is open.
    """

    def __init__(self, folder: str, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk
        self._opening = threading.Lock()
        self._owner: tuple[str, int] | None = None
        self._serial = itertools.count()

    @property
    def handle(self) -> int:
        """An open file of the folder's file system, opened before any temporary file was."""
        return self._own()[1]

    def create(self) -> tuple[str, int]:
        """Make an empty file, readable by its owner alone; its path, and itself opened."""
        owner, _ = self._own()
        while True:
            path = f"{self._folder}/{owner}-{next(self._serial)}"
            with suppress(FileExistsError):
                return path, self._disk.create(path)

    def sweep(self) -> int:
        """Remove what dead processes left, and say how many files; the living keep theirs."""
        with os.scandir(self._folder) as entries:
            names = [entry.name for entry in islice(entries, SWEPT_AT_ONCE)]
        owned: dict[str, list[str]] = {}
        for name in names:
            if match := _NAME.fullmatch(name):
                owned.setdefault(match[1], []).append(name)
        return sum(self._sweep_after(owner, files) for owner, files in owned.items())

    def close(self) -> None:
        """Give up the lock; files that are still there are litter from here on."""
        with self._opening:
            if self._owner is not None:
                owner, file = self._owner
                self._owner = None
                try:
                    with suppress(OSError):
                        self._disk.unlink(f"{self._folder}/{owner}{_OWNER}")
                finally:
                    with suppress(OSError):
                        self._disk.close(file)

    def _own(self) -> tuple[str, int]:
        if self._owner is None:
            with self._opening:
                if self._owner is None:
                    self._owner = self._claim()
        return self._owner

    def _claim(self) -> tuple[str, int]:
        started = _start_time()
        for number in itertools.count():
            owner = f"{os.getpid()}-{started}-{number}"
            path = f"{self._folder}/{owner}{_OWNER}"
            with suppress(FileExistsError):
                file = self._disk.create(path)
                if _lock(file) is not False and _is_still(path, file):
                    return owner, file
                self._disk.close(file)  # a sweep was faster
        raise AssertionError  # pragma: no cover - counting never ends

    def _sweep_after(self, owner: str, names: list[str]) -> int:
        path = f"{self._folder}/{owner}{_OWNER}"
        try:
            file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return self._remove(names)
        try:
            return self._remove([*names, owner + _OWNER]) if _lock(file) else 0
        finally:
            os.close(file)

    def _remove(self, names: list[str]) -> int:
        removed = 0
        for name in names:
            with suppress(FileNotFoundError):
                self._disk.unlink(f"{self._folder}/{name}")
                removed += not name.endswith(_OWNER)
        return removed


def _lock(file: int) -> bool | None:
    """Whether we have the lock now; None where the file system knows no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        return False
    return True


def _is_still(path: str, file: int) -> bool:
    try:
        return os.path.samestat(os.lstat(path), os.fstat(file))
    except FileNotFoundError:
        return False


def _start_time() -> int:
    """When this process started, in ticks since the machine did; 0 where nothing tells."""
    try:
        with open("/proc/self/stat", "rb") as stat:
            return int(stat.read().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0
