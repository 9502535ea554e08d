"""Brings the documents of provenance (PEP 740) of a page's files, each checked before it is taken."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import attrs
from packaging.utils import NormalizedName

from entrepot.plugin import (
    Artifact,
    BeyondLimits,
    DeclarativeContent,
    Digest,
    Download,
    DownloadError,
    EntrepotError,
    IntegrityError,
    InvalidMetadata,
    Remote,
    Stage,
    UpstreamError,
)
from entrepot_python.address import document_url, shown_url
from entrepot_python.check_provenance import LARGEST, check_provenance
from entrepot_python.content import PythonFile, file_path, provenance_path
from entrepot_python.project_page import Entry, ListedFile, ProjectPage
from entrepot_python.several import each

#: Documents of one project that are asked for at a time; the remote's own limit may be lower.
_AT_A_TIME: Final = 10

_ACCEPT: Final = "application/vnd.pypi.integrity.v1+json, application/json;q=0.9, */*;q=0.1"

#: A file, by its name and its SHA-256: a page may list a name twice.
_File: TypeAlias = tuple[str, str]


@attrs.frozen
class Document:
    """A document that was checked; `download` is None where storage holds it already.

    What was downloaded is there as long as this is: who declares it holds on to it.
    """

    url: str
    sha256: str
    download: Download | None = None

    @property
    def artifact(self) -> Artifact:
        """Its bytes. They have no size: a document that is held says the same as one that just came."""
        return Artifact(self.sha256, file=None if self.download is None else self.download.path)


@attrs.frozen
class Documents:
    """The documents of files; not `settled` where one may come when it is asked for again."""

    found: Mapping[_File, Document] = attrs.field(factory=dict)
    settled: bool = True

    def of(self, file: ListedFile) -> Document | None:
        """The document of a file, if there is one that is right."""
        return self.found.get(_name(file))


@attrs.frozen
class Provenance:
    """Asks for the document of each file that has one, unless it was mirrored with these very bytes.

    A file whose document cannot be had, or is not right, loses nothing else; a remark says why.
    """

    stage: Stage
    remote: Remote
    wanted: bool

    async def of(
        self, project: NormalizedName, page_url: str, page: ProjectPage, entries: Iterable[Entry]
    ) -> Documents:
        """Bring the documents of a page's entries, several at a time."""
        if not self.wanted:
            return Documents()
        attested = {_name(file): file for file in entries if isinstance(file, ListedFile) and file.provenance}
        if not attested:
            return Documents()
        files = list(attested.values())
        asking = _Asking(self, project, page_url, page.base, await self._known(project, files))
        await asking.ask(files)
        return Documents(asking.found, asking.settled)

    async def _known(self, project: NormalizedName, files: Sequence[ListedFile]) -> dict[_File, str]:
        """The digests of documents that a version had beside the same bytes, and storage holds."""
        units = {_unit(project, file).key: file for file in files}
        beside: dict[int, dict[str, str]] = {}
        said: dict[int, str] = {}
        past = await self.stage.context.ledger.past(list(units))
        for one in sorted(past.appearances, key=lambda one: one.is_latest):
            if one.algorithm == "sha256":
                beside.setdefault(one.content, {})[one.relative_path] = one.digest.hex()
                said[one.content] = units[one.key].filename
        known = {}
        for content, paths in beside.items():
            filename = said[content]
            sha256 = paths.get(file_path(project, filename))
            document = paths.get(provenance_path(project, filename))
            if sha256 is not None and document is not None:
                known[filename, sha256] = document
        return await self._held(known)

    async def _held(self, known: Mapping[_File, str]) -> dict[_File, str]:
        context, digests = self.stage.context, [Digest("sha256", bytes.fromhex(text)) for text in known.values()]
        stored = dict(zip(known, await context.ledger.find_artifacts(digests), strict=True))
        rows = {file: row for file, row in stored.items() if row is not None}
        held = await context.holds_bytes(list(rows.values()))
        return {file: known[file] for file, is_held in zip(rows, held, strict=True) if is_held}


@attrs.define
class _Asking:
    """The documents of one page, as they come."""

    of: Provenance
    project: NormalizedName
    page_url: str
    base: str
    known: Mapping[_File, str]
    found: dict[_File, Document] = attrs.field(factory=dict)
    settled: bool = True

    async def ask(self, files: Sequence[ListedFile]) -> None:
        """Ask for all, several at a time; each leaves its document in `found`, or a remark."""
        await each(files, self._take, at_a_time=_AT_A_TIME)

    async def _take(self, file: ListedFile) -> None:
        try:
            self.found[_name(file)] = await self._document(file)
        except (UpstreamError, IntegrityError) as error:
            self._tell(file, error)

    async def _document(self, file: ListedFile) -> Document:
        url = document_url(self.page_url, self.base, file.provenance or "")
        filename, sha256 = _name(file)
        if not sha256:
            raise InvalidMetadata("the index tells no sha256 of the file, so nothing says that they belong together")
        if (digest := self.known.get((filename, sha256))) is not None:
            return Document(url, digest)
        download = await self.of.remote.get_downloader(url, headers={"Accept": _ACCEPT}).run()
        try:
            if download.size > LARGEST:
                raise BeyondLimits(f"it is larger than {LARGEST} bytes")
            await asyncio.to_thread(check_provenance, download.read(), filename, sha256)
        except BaseException:
            download.received.discard()
            raise
        document = Document(url, download.digests["sha256"], download)
        # Many come in a sync: their files go as soon as storage has them, and no unit needs them.
        weakref.finalize(document, download.received.discard)
        return document

    def _tell(self, file: ListedFile, error: EntrepotError) -> None:
        if isinstance(error, DownloadError) and error.transient:
            self.settled = False
        is_named = shown_url(self.page_url, self.base, file.provenance) is not None
        instead = "the index's own address of it is passed on" if is_named else "no address of it is passed on"
        reason = f"its provenance is not mirrored, and {instead}: {error.what}"
        self.of.stage.remark(_unit(self.project, file), "provenance", reason)


def _name(file: ListedFile) -> _File:
    return file.filename, file.hashes.get("sha256", "").lower()


def _unit(project: NormalizedName, file: ListedFile) -> DeclarativeContent:
    return DeclarativeContent(PythonFile(project=project, filename=file.filename), scope=project)
