"""The first stage for an upstream that is a folder of this machine."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final
from urllib.parse import quote

from entrepot.plugin import (
    Artifact,
    DeclarativeArtifact,
    DeclarativeContent,
    EntrepotError,
    InvalidMetadata,
    Remote,
    Stage,
    UpstreamError,
    facts,
)
from entrepot_file.content import FileContent
from entrepot_file.entry import OWN_LISTS
from entrepot_file.walk import FoundFile, FoundFolder, root_of, walk

#: Folders that are looked at in one go, and threads that hash.
_FOLDERS: Final = 64
_THREADS: Final = 4

#: Files that are hashed before the first of them is declared.
_FILES: Final = 256


class ReadTree(Stage):
    """Declare every file below a folder, hashing them in threads.

    Each folder is a scope: with `skip_unchanged` one whose files have the sizes and times they had
    is kept without reading them. Links are followed as long as they stay below the folder; what is
    no file is refused.
    """

    gives = frozenset({facts.DECLARED})

    def __init__(self, remote: Remote, *, skip_unchanged: bool = True) -> None:
        self.remote = remote
        self.skip_unchanged = skip_unchanged

    async def run(self) -> None:
        folders = walk(await asyncio.to_thread(root_of, self.remote.url))
        while some := await asyncio.to_thread(lambda: list(islice(folders, _FOLDERS))):
            for folder in some:
                await self._read(folder)

    async def _read(self, folder: FoundFolder) -> None:
        scope, state = _scope(folder.relative_path), folder.state
        if self.skip_unchanged and await self.context.checkpoint(scope) == state:
            await self.keep(scope)
            return
        for one in folder.unusable:
            await self.refuse(_unit(one.relative_path, scope), one.rule, one.reason)
        for start in range(0, len(folder.files), _FILES):
            files = folder.files[start : start + _FILES]
            for file, sha256 in zip(files, await _hash_all(files), strict=True):
                await self._declare(file, sha256, scope)
        await self.context.note_checkpoint(scope, state)

    async def _declare(self, file: FoundFile, sha256: str | EntrepotError, scope: str) -> None:
        path = file.relative_path
        if path in OWN_LISTS:
            await self.refuse(_unit(path, scope), "own-list", "entrepot writes this list itself")
            return
        try:
            if isinstance(sha256, EntrepotError):
                raise sha256
            unit = self._declared(file, sha256, scope)
        except (InvalidMetadata, UpstreamError) as error:
            await self.fail(_unit(path, scope), error.at(file.path.encode(errors="replace").decode()))
        else:
            await self.put(unit)

    def _declared(self, file: FoundFile, sha256: str, scope: str) -> DeclarativeContent:
        artifact = DeclarativeArtifact(
            Artifact(sha256=sha256, size=file.size),
            "file://" + quote(file.path, errors="surrogateescape"),
            file.relative_path,
            self.remote,
            deferred_download=self.remote.deferred,
        )
        return DeclarativeContent(FileContent(file.relative_path, sha256, file.size), (artifact,), scope=scope)


def _unit(path: str, scope: str) -> DeclarativeContent:
    return DeclarativeContent(FileContent(_told(path)), scope=scope)


def _scope(folder: str) -> str:
    return f"tree/{_told(folder)}"


def _told(path: str) -> str:
    """Write a name that is not UTF-8 so that it can be told."""
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")


async def _hash_all(files: Sequence[FoundFile]) -> Iterator[str | EntrepotError]:
    parts = [files[number::_THREADS] for number in range(_THREADS)]
    hashed = await asyncio.gather(*(asyncio.to_thread(_hash_each, part) for part in parts))
    return (hashed[number % _THREADS][number // _THREADS] for number in range(len(files)))


def _hash_each(files: Sequence[FoundFile]) -> list[str | EntrepotError]:
    return [_hash(file) for file in files]


def _hash(file: FoundFile) -> str | EntrepotError:
    try:
        with open(file.path, "rb") as body:
            return hashlib.file_digest(body, "sha256").hexdigest()
    except OSError as error:
        return UpstreamError(
            f"the file cannot be read: {(error.strerror or 'unknown reason').lower()}",
            remedy="give whoever runs this the right to read it",
        )
