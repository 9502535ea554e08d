"""Publishes both kinds of list, so that a mirror can be mirrored."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterable
from typing import IO, Final

import attrs

from entrepot.plugin import Published, PublishedFile, Unpublished, VersionView
from entrepot_file import pulp_manifest, sha256sums
from entrepot_file.content import FileContent

_TEXT: Final = "text/plain"
_LINES: Final = 500
_BLOCK: Final = 64 * 1024


@attrs.frozen
class ListPublisher:
    """Writes SHA256SUMS, and PULP_MANIFEST where the size of every file is known.

    Both name files in the order of their paths, and are streamed: the version is read once, and the
    second list waits in a file meanwhile.
    """

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        """Yield both lists, always whole: they name all there is."""
        with tempfile.TemporaryFile() as waiting:
            both = _BothLists(waiting)
            yield PublishedFile("SHA256SUMS", _TEXT, both.sums(version))
            if both.sizes_known:
                yield PublishedFile("PULP_MANIFEST", _TEXT, both.manifest())
            else:
                yield Unpublished("PULP_MANIFEST")


class _BothLists:
    def __init__(self, waiting: IO[bytes]) -> None:
        self.sizes_known = True
        self._waiting = waiting

    async def sums(self, version: VersionView) -> AsyncIterator[bytes]:
        """Write one list out, and the other one down; some thousands of files at a time."""
        files: list[FileContent] = []
        async for file in version.contents(FileContent):
            files.append(file)
            if len(files) >= _LINES:
                yield self._write(files)
                files.clear()
        yield self._write(files)

    async def manifest(self) -> AsyncIterator[bytes]:
        """Write the other one out."""
        self._waiting.seek(0)
        while block := self._waiting.read(_BLOCK):
            yield block

    def _write(self, files: Iterable[FileContent]) -> bytes:
        manifest = []
        for file in files:
            if file.size is None:
                self.sizes_known = False
            elif not file.relative_path.startswith("#"):
                manifest.append(pulp_manifest.write_line(file.relative_path, file.sha256, file.size))
        self._waiting.write("".join(manifest).encode())
        return "".join([sha256sums.write_line(file.relative_path, file.sha256) for file in files]).encode()
