"""What stands in a storage's folder, told by names alone."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from entrepot.storage.protocol import Standing

if TYPE_CHECKING:
    from collections.abc import Iterator

_Kind: TypeAlias = Literal["file", "link", "folder", "other"]

_SHELF: Final = "sha256"
_FOLDER: Final = re.compile(r"[0-9a-f]{2}")
_FILE: Final = re.compile(r"[0-9a-f]{62}")

#: Folders that belong at the top: ours, and the one that a file system makes where it is mounted.
_OURS: Final = frozenset({_SHELF, "tmp", "lost+found"})


def walk(root: str) -> Iterator[Standing]:
    """Tell what stands below the root, but for temporary files; what belongs nowhere has no digest."""
    for entry in _entries(root):
        if entry.name not in _OURS or not entry.is_dir(follow_symlinks=False):
            yield from _told(entry, entry.name, None)
    for folder in _entries(f"{root}/{_SHELF}"):
        place = f"{_SHELF}/{folder.name}"
        if not _FOLDER.fullmatch(folder.name) or not folder.is_dir(follow_symlinks=False):
            yield from _told(folder, place, None)
            continue
        for file in _entries(folder.path):
            is_name = _FILE.fullmatch(file.name) is not None
            yield from _told(file, f"{place}/{file.name}", bytes.fromhex(folder.name + file.name) if is_name else None)


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except FileNotFoundError:
        return


def _told(entry: os.DirEntry[str], name: str, sha256: bytes | None) -> Iterator[Standing]:
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    yield Standing(name, sha256, _kind(status.st_mode), status.st_ctime)


def _kind(mode: int) -> _Kind:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISLNK(mode):
        return "link"
    return "folder" if stat.S_ISDIR(mode) else "other"
