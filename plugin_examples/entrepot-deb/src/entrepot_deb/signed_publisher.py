"""Publishes what was chosen: lists written anew, and a Release that one's own key signs."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import attrs

from entrepot.plugin import Content, Published, PublishedFile, VersionView
from entrepot_deb.content import DebIndex, DebPackage, DebRelease, DebSource
from entrepot_deb.signing import read_signing_key
from entrepot_deb.write_lists import ListWriter, WrittenFile, list_path, write_release

_TEXT: Final = "text/plain"
_BYTES: Final = "application/octet-stream"

#: Paragraphs that are written at a time, and bytes that are read at a time.
_AT_ONCE, _PIECE = 500, 1024 * 1024

#: Where clients find the public key.
KEY_PATH: Final = "archive-key.asc"


@attrs.frozen
class SignedPublisher:
    """Writes each suite whole. The key is read when a version is made, and signs that version once."""

    key: Path
    snapshots: str = attrs.field(default="", kw_only=True)

    async def publish(self, version: VersionView) -> AsyncIterator[Published]:
        """Yield lists, by name and by digest, then what names them, signed."""
        key = await read_signing_key(self.key)
        releases = [release async for release in version.contents(DebRelease)]
        named: dict[str, list[WrittenFile]] = {release.suite: [] for release in releases}
        missing = {_named(release.suite, one) for release in releases for one in release.lists}
        for kind in (DebPackage, DebSource):
            async for which, paragraphs in _lists(version, kind):
                missing.discard(which)
                async for file in _list_files(which, paragraphs, named):
                    yield file
        for which in sorted(missing):
            async for file in _list_files(which, _nothing(), named):
                yield file
        async for index in version.contents(DebIndex):
            suite = _suite_of(index.path, named)
            if suite is not None:
                path = index.path.removeprefix(f"dists/{suite}/")
                named[suite].append(WrittenFile(path, index.sha256, index.size, None))
        for release in releases:
            text = write_release(release, named[release.suite], snapshots=self.snapshots)
            folder = f"dists/{release.suite}"
            yield PublishedFile(f"{folder}/InRelease", _TEXT, await asyncio.to_thread(key.inline, text))
            yield PublishedFile(f"{folder}/Release", _TEXT, text)
            yield PublishedFile(f"{folder}/Release.gpg", _TEXT, await asyncio.to_thread(key.detached, text))
        yield PublishedFile(KEY_PATH, _TEXT, key.public)


async def _lists(
    version: VersionView, kind: type[DebPackage] | type[DebSource]
) -> AsyncIterator[tuple[tuple[str, str, str], AsyncIterator[list[str]]]]:
    """Tell apart the lists of a version: what is of one stands together, in order of key."""
    units = aiter(version.contents(kind))
    ahead: list[DebPackage | DebSource | None] = [await anext(units, None)]

    async def of(which: tuple[str, str, str]) -> AsyncIterator[list[str]]:
        piece: list[str] = []
        while (unit := ahead[0]) is not None and _which(unit) == which:
            piece.append(unit.paragraph)
            ahead[0] = await anext(units, None)
            if len(piece) >= _AT_ONCE:
                yield piece
                piece = []
        yield piece

    while ahead[0] is not None:
        which = _which(ahead[0])
        yield which, of(which)


def _named(suite: str, name: str) -> tuple[str, str, str]:
    component, _, architecture = name.partition("/")
    return suite, component, architecture


def _which(unit: Content) -> tuple[str, str, str]:
    match unit:
        case DebPackage():
            return unit.suite, unit.component, unit.listed_for
        case DebSource():
            return unit.suite, unit.component, "source"
        case _:
            raise TypeError(f"{type(unit).__name__} is in no list")


async def _nothing() -> AsyncIterator[list[str]]:
    yield []


async def _list_files(
    which: tuple[str, str, str], paragraphs: AsyncIterator[list[str]], named: dict[str, list[WrittenFile]]
) -> AsyncIterator[PublishedFile]:
    suite, component, architecture = which
    with tempfile.TemporaryDirectory(prefix="entrepot-deb-") as folder:
        writer = ListWriter(list_path(component, architecture), Path(folder))
        async for piece in paragraphs:
            await asyncio.to_thread(writer.write, piece)
        for written in await asyncio.to_thread(lambda: list(writer.finish())):
            named.setdefault(suite, []).append(written)
            if written.file is not None:
                for path in (written.path, written.by_hash):
                    yield PublishedFile(f"dists/{suite}/{path}", _BYTES, _pieces(written.file))


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    for at in itertools.count(0, _PIECE):
        piece = await asyncio.to_thread(_piece, path, at)
        if not piece:
            return
        yield piece


def _piece(path: Path, at: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read(_PIECE)


def _suite_of(path: str, suites: dict[str, list[WrittenFile]]) -> str | None:
    """The suite that a file is of; names of suites may have others' as their beginning."""
    return max((suite for suite in suites if path.startswith(f"dists/{suite}/")), key=len, default=None)
