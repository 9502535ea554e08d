"""A tree of plain files that takes another's place at one stroke, for web servers and rsync.

The folder that is asked for is a symbolic link into a folder beside it, where trees are built. A tree
that is not finished has no link to it: whoever was killed leaves it for the next one to remove.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, TypeVar

from entrepot.errors import ConfigurationError, DepotBusy, DepotError, DiskFull
from entrepot.model.relative_path import relative_path

T = TypeVar("T")

#: The lock of who builds, by which the folder is known as ours too.
_LOCK: Final = "entrepot-export"
_TREE: Final = "tree-"

_PIECE: Final = 1024 * 1024

#: What tells that a file cannot be linked there, though it can be copied.
_UNLINKABLE: Final = {errno.ENOENT, errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP}

_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


class StaticTree:
    """A tree under construction; made by `building`, seen by nobody until `show`."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)

    def write(self, path: str, body: bytes) -> bool:
        """Write a file; False when there is something at the path already, which stays."""
        with self._created(path) as file:
            if file is not None:
                file.write(body)
        return file is not None

    def copy(self, path: str, source: IO[bytes]) -> bool:
        """Write a file from another to its end; False when something is at the path."""
        with self._created(path) as file:
            if file is not None:
                shutil.copyfileobj(source, file, _PIECE)
        return file is not None

    def link(self, path: str, source: Path) -> bool | None:
        """Give a file a further name; False when something is at the path, None when it must be copied."""
        try:
            self._in_folder(path, lambda place: os.link(source, place, follow_symlinks=False))
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno in _UNLINKABLE:
                return None
            raise
        return True

    @contextmanager
    def _created(self, path: str) -> Iterator[IO[bytes] | None]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            handle = self._in_folder(path, lambda place: os.open(place, flags, 0o644))
        except FileExistsError:
            yield None
            return
        with os.fdopen(handle, "wb") as file:
            yield file

    def _in_folder(self, path: str, make: Callable[[str], T]) -> T:
        place = f"{self._root}/{relative_path(path)}"
        try:
            return make(place)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(place), exist_ok=True)
        except NotADirectoryError as error:
            raise DepotError(
                "no tree of files can hold this: a file has the name of one of its folders",
                path,
                "serve the version itself, where both are had: entrepot serve",
            ) from error
        return make(place)


@contextmanager
def building(directory: Path) -> Iterator[StaticTree]:
    """Lend a new tree, and put it in the directory's place, durably, when the block ends well.

    Otherwise the directory stays as it was. What an earlier one left that was killed goes first.
    Raises a `ConfigurationError` for a directory that no export has made, and `DepotBusy` while
    another export makes it.
    """
    directory = directory.absolute()
    if directory.name in ("", ".."):
        raise ConfigurationError(
            "a tree takes the place of a folder, and this has no name of its own", str(directory), "name a new folder"
        )
    workshop = directory.with_name(f".{directory.name}.entrepot")
    with _told(directory):
        _refuse_foreign(directory, workshop)
        workshop.mkdir(parents=True, exist_ok=True)
        with _locked(workshop / _LOCK, directory):
            _sweep(workshop, directory)
            tree = workshop / f"{_TREE}{secrets.token_hex(8)}"
            tree.mkdir()
            try:
                yield StaticTree(tree)
                _show(tree, directory)
            finally:
                with suppress(OSError):  # what cannot go is left to the next one
                    _sweep(workshop, directory)


def _show(tree: Path, directory: Path) -> None:
    # All of it is on the disk before anybody is led there; a tree has too many folders for one call each.
    os.sync()
    link = tree.with_name(f"{tree.name}.link")
    link.symlink_to(Path(tree.parent.name, tree.name))
    link.replace(directory)
    parent = os.open(directory.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _sweep(workshop: Path, directory: Path) -> None:
    """Remove every tree but the one that the directory leads to."""
    shown = Path(os.readlink(directory)).name if directory.is_symlink() else ""
    for entry in list(os.scandir(workshop)):
        if entry.name.startswith(_TREE) and entry.name != shown:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)


def _refuse_foreign(directory: Path, workshop: Path) -> None:
    is_ours = directory.is_symlink() and Path(os.readlink(directory)).parent == Path(workshop.name)
    if not is_ours and os.path.lexists(directory):
        raise ConfigurationError(
            "something is there that no export has made, and it is not replaced",
            where=str(directory),
            remedy=f"name a folder that is not there yet, or move it away: mv {directory} {directory}.old",
        )
    if workshop.is_symlink() or (workshop.exists() and os.listdir(workshop) and not (workshop / _LOCK).exists()):
        raise ConfigurationError(
            "trees are built here, and something is there that no export has made",
            where=str(workshop),
            remedy=f"move it away: mv {workshop} {workshop}.old",
        )


@contextmanager
def _locked(path: Path, directory: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise DepotBusy(
            "another export into this folder is under way", str(directory), "wait until it ends, then export again"
        ) from error
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def _told(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = str(error.filename2 or error.filename or directory)
        if error.errno in _FULL:
            raise DiskFull(place) from error
        raise DepotError(
            f"the tree cannot be written: {error.strerror or error}", place, f"ls -ld {directory.parent}"
        ) from error
