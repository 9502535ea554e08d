"""The first stage, which declares what listings list, and one that notes what a manifest needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit
from weakref import WeakValueDictionary

from entrepot.plugin import (
    Artifact,
    Content,
    DeclarativeArtifact,
    DeclarativeContent,
    Failed,
    InvalidMetadata,
    NotHeld,
    Refused,
    Remote,
    Stage,
    facts,
    key_of,
)
from entrepot_bundle.content import Blob, Index, Manifest
from entrepot_bundle.listing import Entry, read_listing

#: Manifests that are put on before the first of them is waited for.
_AT_ONCE: Final = 500


class ReadBundles(Stage):
    """Declare the index, the manifests that it lists, and the blobs that these list.

    Listings are read from storage, so each is downloaded, verified and kept like any other file,
    and asked for again only when it changed. The index is downloaded at each sync: nobody declares
    its digest. Nothing of a manifest is declared that fails or is refused.
    """

    gives = frozenset({facts.DECLARED})

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self._on_their_way: WeakValueDictionary[str, DeclarativeContent] = WeakValueDictionary()

    async def run(self) -> None:
        index = await self._index()
        await self.put(index)
        await index.resolution()
        for entries in _in_pieces(await read_listing(self.context, index.d_artifacts[0].artifact)):
            manifests = [self._unit(Manifest(entry.path, entry.sha256), entry) for entry in entries]
            for manifest in manifests:
                await self.put(manifest)
            for entry, manifest in zip(entries, manifests, strict=True):
                await self._declare_blobs(manifest, scope=f"blobs of {entry.path}")

    async def _index(self) -> DeclarativeContent:
        answer = await self.remote.get_downloader(url=self.remote.url).run()
        path, sha256 = unquote(urlsplit(self.remote.url).path.rpartition("/")[2]), answer.digests["sha256"]
        here = Artifact(sha256, answer.size, file=answer.path)
        return DeclarativeContent(
            Index(path, sha256), [DeclarativeArtifact(here, self.remote.url, path, self.remote)], scope="index"
        )

    async def _declare_blobs(self, manifest: DeclarativeContent, scope: str) -> None:
        try:
            await manifest.resolution()
            entries = await read_listing(self.context, manifest.d_artifacts[0].artifact)
        except Refused:
            return
        except (Failed, NotHeld):
            # The manifest of the version before may stay, and needs its blobs: where `on_error`
            # keeps it, and where only what failed is tried and this did not.
            await self.keep(scope)
            return
        for entry in entries:
            # One that several list is looked for in storage when it can be there: else each would fetch it.
            if (earlier := self._on_their_way.get(entry.path)) is not None:
                with suppress(Failed, Refused):
                    await earlier.resolution()
            unit = self._unit(Blob(entry.path, entry.sha256), entry, deferred=self.remote.deferred, scope=scope)
            self._on_their_way[entry.path] = unit
            await self.put(unit)

    def _unit(
        self, content: Content, entry: Entry, *, deferred: bool = False, scope: str = "index"
    ) -> DeclarativeContent:
        url = urljoin(self.remote.url, quote(entry.path))
        where = DeclarativeArtifact(entry.artifact, url, entry.path, self.remote, deferred_download=deferred)
        return DeclarativeContent(content, [where], scope=scope)


class NoteNeeds(Stage):
    """Let each manifest depend on its blobs; a listing that cannot be read is a failed unit.

    It stands where the bytes are in storage and the unit is not yet in the version. Order is kept.
    """

    needs = frozenset({facts.ARTIFACTS_SAVED})
    precedes = frozenset({facts.CONTENT_SAVED})

    async def run(self) -> None:
        async for unit in self.items():
            try:
                if isinstance(unit.content, Index | Manifest):
                    await self._read(unit)
            except InvalidMetadata as error:
                await self.fail(unit, error.at(unit.d_artifacts[0].url or ""))
            else:
                await self.put(unit)

    async def _read(self, unit: DeclarativeContent) -> None:
        entries = await read_listing(self.context, unit.d_artifacts[0].artifact)
        if isinstance(unit.content, Manifest):
            unit.depends_on = [key_of(Blob, entry.path) for entry in entries]


def _in_pieces(entries: Sequence[Entry]) -> Iterable[Sequence[Entry]]:
    return (entries[start : start + _AT_ONCE] for start in range(0, len(entries), _AT_ONCE))
