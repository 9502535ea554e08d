"""The first stage of an upload: declares files that somebody handed in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from entrepot.errors import InvalidMetadata
from entrepot.model import facts
from entrepot.model.artifact import Artifact
from entrepot.model.content import natural_key
from entrepot.model.declarative import DeclarativeArtifact, DeclarativeContent, Fetched, told
from entrepot.model.upload import PathTaken, Unacceptable
from entrepot.publish.view import LedgerView
from entrepot.stages.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.model.content import Content
    from entrepot.model.incoming import Received, Receiver
    from entrepot.model.ledger import Appearance
    from entrepot.model.upload import Accepted, Upload, UploadReader

#: What the scopes begin with under which the bytes of uploads are noted for good.
_UPLOADED: Final = "entrepot:uploaded:"


#: Stands for the file that an artifact without a URL has: its bytes are here from the start.
_NOWHERE: Final = Path()


class _Taken(NamedTuple):
    """An upload, and what its plugin makes of it."""

    upload: Upload
    accepted: Accepted

    @property
    def key(self) -> str:
        return natural_key(self.accepted.content)


class TakeIn(Stage):
    """Declare uploads, all of them or none: what a later stage leaves out ends the run.

    A file that the repository has already is passed over. One whose key has or ever had other bytes
    is `PathTaken`, whatever became of the version that had them: what a client once locked never changes.
    """

    gives = frozenset({facts.DECLARED})

    def __init__(self, uploads: Sequence[Upload], reader: UploadReader, *, receiver: Receiver) -> None:
        self._uploads = uploads
        self._reader = reader
        self._receiver = receiver
        self._beside: list[Received] = []

    def discard_beside(self) -> None:
        """Drop what this stage wrote itself and nobody kept."""
        for received in self._beside:
            received.discard()

    async def run(self) -> None:
        taken: dict[str, _Taken] = {}
        for upload in self._uploads:
            one = await self._read(upload)
            earlier = taken.setdefault(one.key, one).upload.received.sha256
            if earlier != upload.received.sha256:
                raise _taken(one, earlier.hex())
        news = [one for one in taken.values() if await self._is_news(one)]
        units = [await self._unit(one) for one in news]
        for content in await self._along([unit.content for unit in units]):
            await self.put(DeclarativeContent(content))
        for unit in units:
            await self.put(unit)
        for unit in units:
            await unit.resolution()
        for one in news:
            await self.context.note_checkpoint(f"{_UPLOADED}{one.key}", one.upload.received.sha256.hex())

    async def _read(self, upload: Upload) -> _Taken:
        try:
            now = attrs.evolve(upload, moment=self.context.now())
            return _Taken(upload, await asyncio.to_thread(self._reader.read, now))
        except (InvalidMetadata, Unacceptable) as error:
            where = ", ".join(filter(None, (f"file {upload.filename!r:.120}", error.where)))
            raise Unacceptable(error.what, where, error.remedy) from error

    async def _is_news(self, one: _Taken) -> bool:
        """Whether the latest version lacks the file; `PathTaken` when its key stands for other bytes."""
        ours = one.upload.received.sha256.hex()
        noted = await self.context.ledger.checkpoint(f"{_UPLOADED}{one.key}", even_void=True)
        if noted not in (None, ours):
            raise _taken(one, noted or "")
        had = [row for row in (await self.context.ledger.past([one.key])).appearances if _is_main(row, one)]
        for row in had:
            if (row.algorithm, row.digest.hex()) != ("sha256", ours):
                raise _taken(one, row.digest.hex())
        return not any(row.is_latest for row in had)

    async def _along(self, contents: Sequence[Content]) -> Sequence[Content]:
        held = LedgerView(self.context.repository.name, self.context.ledger, whole=False)
        return await self._reader.along(contents, held) if contents else ()

    async def _unit(self, one: _Taken) -> DeclarativeContent:
        """Its artifacts are here already: the file, and what is served beside it."""
        accepted = one.accepted
        artifacts = [_here(accepted.relative_path, one.upload.received)]
        for path, body in accepted.beside.items():
            received = await asyncio.to_thread(_written, self._receiver, body)
            artifacts.append(_here(path, received))
            self._beside.append(received)
        return DeclarativeContent(accepted.content, artifacts)


def _here(path: str, received: Received) -> DeclarativeArtifact:
    declared = Artifact(sha256=received.sha256.hex(), size=received.size, file=_NOWHERE)
    artifact = DeclarativeArtifact(declared, relative_path=path)
    artifact.state = Fetched(received)
    return artifact


def _written(receiver: Receiver, body: bytes) -> Received:
    incoming = receiver.receive(Artifact(size=len(body)))
    try:
        incoming.write(body)
        return incoming.finish()
    except BaseException:
        incoming.discard()
        raise


def _is_main(row: Appearance, one: _Taken) -> bool:
    return row.relative_path == one.accepted.relative_path


def _taken(one: _Taken, earlier: str) -> PathTaken:
    return PathTaken(
        f"{told(one.accepted.relative_path)} already exists, with other bytes: sha256 {earlier}",
        where=f"file {one.upload.filename!r:.120}, of sha256 {one.upload.received.sha256.hex()}",
        remedy="a file's name keeps its bytes for good: give what changed another version or name",
    )
