"""Syncing a file system at one go, where that is known to report what it could not write."""

from __future__ import annotations

import ctypes
import os
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: Before Linux 5.8 `syncfs` kept errors of writing back to itself.
_TELLS_SINCE: Final = (5, 8)

#: Where it is known to wait for the medium. Some others, such as most in user space, return at once.
_TRUSTED: Final = frozenset({"ext4", "xfs", "btrfs"})


def syncfs_for(folder: str) -> Callable[[int], None] | None:
    """Return the system's `syncfs`, or None when it may not be trusted with this folder."""
    try:
        if not _kernel_tells() or _file_system(folder) not in _TRUSTED:
            return None
        function = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError, ValueError):
        return None

    def syncfs(file: int) -> None:
        if function(file) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), folder)

    return syncfs


def _kernel_tells() -> bool:
    system = os.uname()
    release = re.match(r"(\d+)\.(\d+)", system.release)
    return system.sysname == "Linux" and release is not None and (int(release[1]), int(release[2])) >= _TELLS_SINCE


def _file_system(folder: str) -> str:
    device = os.stat(folder).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
        for line in mounts:
            place, _, kind = line.partition(" - ")
            if place.split(" ", 3)[2] == wanted:
                return kind.split(" ", 1)[0]
    return ""
