"""Building a publication: what a publisher yields becomes rows and stored bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import attrs

from entrepot.errors import EntrepotError
from entrepot.model.artifact import Artifact, StoredArtifact
from entrepot.model.ledger import BodyRow
from entrepot.model.publication import PublishedFile, Unpublished, written_headers

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Sequence

    from entrepot.model.incoming import Received, Receiver
    from entrepot.model.ledger import KeptArtifact, Ledger
    from entrepot.model.publication import Publisher, VersionView

#: Bodies up to this many bytes live in the catalog; larger ones in storage.
LARGEST_ROW: Final = 64 * 1024

#: Files, and bytes of small bodies, that are written in one transaction.
_FILES, _BYTES = 500, 8 * 1024 * 1024


@attrs.define
class Given:
    """What a publisher has given so far, in files and pieces of bodies."""

    pieces: int = 0


class Shelf(Protocol):
    """Where large bodies go: received like a download, then kept durably."""

    @property
    def receiver(self) -> Receiver: ...
    @property
    def ledger(self) -> Ledger: ...

    async def keep_bytes(self, batch: Sequence[Received]) -> list[KeptArtifact]: ...


async def build_publication(publisher: Publisher, view: VersionView, shelf: Shelf, given: Given) -> None:
    """Run a publisher once and write what it yields, a batch at a time, invisible until the seal's commit.

    A publication that is written whole replaces all files of the version before. Two files with
    the same path and media type in a row are an error: clients could not tell them apart. Of a
    file and its removal, what comes later holds.
    """
    batch = _Batch(shelf, given)
    async for published in publisher.publish(view):
        given.pieces += 1
        match published:
            case PublishedFile():
                await batch.add(published)
            case Unpublished(relative_path=path):
                await batch.remove(path)
    await batch.flush()
    if view.whole:
        await shelf.ledger.unpublish_rest()


class _Batch:
    def __init__(self, shelf: Shelf, given: Given) -> None:
        self._shelf, self._given = shelf, given
        self._rows: list[BodyRow] = []
        self._removed: set[str] = set()
        self._bytes = 0
        self._names: set[tuple[str, str]] = set()

    async def add(self, file: PublishedFile) -> None:
        name = (file.relative_path, file.media_type)
        if name in self._names:
            raise EntrepotError(
                f"{file.relative_path!r} is published twice as {file.media_type!r}",
                remedy="let the publisher yield each path and media type once",
            )
        self._names.add(name)
        self._removed.discard(file.relative_path)
        self._rows.append(await self._row(file))
        if len(self._rows) >= _FILES or self._bytes >= _BYTES:
            await self.flush()

    async def remove(self, path: str) -> None:
        self._rows = [row for row in self._rows if row.relative_path != path]
        self._removed.add(path)
        if len(self._removed) >= _FILES:
            await self.flush()

    async def flush(self) -> None:
        if self._rows:
            await self._shelf.ledger.publish(self._rows)
        if self._removed:
            await self._shelf.ledger.unpublish(sorted(self._removed))
        self._rows, self._removed, self._bytes = [], set(), 0
        self._names.clear()

    async def _row(self, file: PublishedFile) -> BodyRow:
        pieces, headers = pieces_of(file.body), written_headers(file.headers)
        head = b""
        async for piece in pieces:
            head += piece
            if len(head) > LARGEST_ROW:
                return BodyRow(file.relative_path, file.media_type, None, await self._store(head, pieces), headers)
        self._bytes += len(head)
        return BodyRow(file.relative_path, file.media_type, head, None, headers)

    async def _store(self, head: bytes, rest: AsyncIterator[bytes]) -> StoredArtifact:
        incoming = self._shelf.receiver.receive(Artifact())
        try:
            incoming.write(head)
            async for piece in rest:
                self._given.pieces += 1
                incoming.write(piece)
            received = incoming.finish()
        except BaseException:
            incoming.discard()
            raise
        kept = await self._shelf.keep_bytes([received])
        await self._shelf.ledger.save_artifacts(kept)
        return StoredArtifact(kept[0].sha256, kept[0].size)


async def pieces_of(body: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The bytes of a published file, which may be one piece."""
    if isinstance(body, bytes):
        yield body
        return
    async for piece in body:
        yield piece
