"""Walking a folder of this machine: what is there, and whether it is as it was."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import attrs

from entrepot.plugin import ConfigurationError, UpstreamError, safe_url


@attrs.frozen
class FoundFile:
    """A regular file; `state` changes whenever its bytes do."""

    path: str
    relative_path: str
    size: int
    state: tuple[int, ...]


@attrs.frozen
class Unusable:
    """Something that is no file below the root, and why not."""

    relative_path: str
    rule: str
    reason: str


@attrs.frozen
class FoundFolder:
    """A folder by its path below the root, "" for the root itself, and what is in it, by name."""

    relative_path: str
    files: tuple[FoundFile, ...]
    unusable: tuple[Unusable, ...]

    @property
    def state(self) -> str:
        """A digest that changes when anything in the folder does, without reading a file."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(repr((file.relative_path, file.state)).encode())
        for one in self.unusable:
            digest.update(repr((one.relative_path, one.reason)).encode())
        return digest.hexdigest()


def root_of(url: str) -> str:
    """The folder that a file URL names, with its links resolved."""
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise ConfigurationError(f"{safe_url(url)!r} is no folder of this machine", remedy="write it as file:///PATH")
    root = os.path.realpath(unquote(parts.path, errors="surrogateescape"))
    if not os.path.isdir(root):
        raise UpstreamError(
            f"{root!r} is no folder",
            where=safe_url(url),
            remedy='let url name a folder; for a list of files, set the option format = "sha256sums"',
        )
    return root


def walk(root: str) -> Iterator[FoundFolder]:
    """Yield the root and every folder below it, in order of name; links are followed inside the root."""
    yield from _walk(root, "", (root,))


def _walk(root: str, below: str, chain: tuple[str, ...]) -> Iterator[FoundFolder]:
    files, unusable, folders = [], [], []
    for name in _names(f"{root}/{below}"):
        relative = f"{below}/{name}" if below else name
        match _look(root, relative, chain):
            case FoundFile() as file:
                files.append(file)
            case Unusable() as one:
                unusable.append(one)
            case str(real):
                folders.append((relative, real))
    yield FoundFolder(below, tuple(files), tuple(unusable))
    for relative, real in folders:
        yield from _walk(root, relative, (*chain, real))


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError as error:
        raise UpstreamError(
            f"folder {folder!r} cannot be read: {(error.strerror or 'unknown reason').lower()}",
            remedy="give whoever runs this the right to read it",
        ) from error


def _look(root: str, relative: str, chain: tuple[str, ...]) -> FoundFile | Unusable | str:
    """Tell what stands at a path: a file, a folder by its real path, or what cannot be used."""
    path = f"{root}/{relative}"
    try:
        status = os.lstat(path)
        real = path
        if stat.S_ISLNK(status.st_mode):
            real = os.path.realpath(path, strict=True)
            if not Path(real).is_relative_to(root):
                return Unusable(relative, "inside-root", "the link leads out of the folder")
            status = os.stat(real)
    except OSError:
        return Unusable(relative, "regular-file", "the link leads nowhere")
    if stat.S_ISDIR(status.st_mode):
        real = os.path.realpath(path)
        return Unusable(relative, "no-loop", "the link leads back") if real in chain else real
    if stat.S_ISREG(status.st_mode):
        state = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        return FoundFile(path, relative, status.st_size, state)
    return Unusable(relative, "regular-file", "it is neither a file nor a folder")
