"""The first stage: asks the archive for each suite, and declares what its indices list."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, ClassVar, Final
from urllib.parse import quote, urljoin

import attrs

from entrepot.plugin import (
    Artifact,
    ConfigurationError,
    DeclarativeArtifact,
    DeclarativeContent,
    Download,
    EntrepotError,
    IntegrityError,
    NotFound,
    Remote,
    Stage,
    UpstreamError,
    bounded_decode,
    facts,
)
from entrepot_deb.choice import Part, further_files, is_offered, parts_of
from entrepot_deb.content import DebIndex, DebRelease
from entrepot_deb.declare import Declaring, Unusable
from entrepot_deb.layout import folder_of
from entrepot_deb.options import DebOptions, check_options
from entrepot_deb.paragraphs import Paragraph, read_paragraphs
from entrepot_deb.release import ListedIndex, Release
from entrepot_deb.signatures import Keyring, read_keyring
from entrepot_deb.trusted import Trusted, fetch_release

#: Paragraphs that are read at a time, beside the loop.
_AT_ONCE: Final = 500


@attrs.frozen
class Fetched:
    """A list of packages that is to be read, and those of its files that are here, by path."""

    part: Part
    files: Mapping[str, Download]


class MirrorSuites(Stage):
    """Declare each suite: its Release, its indices, and every package that they list.

    Nothing that a Release names is asked for before its signature is good and it is no older than
    what was seen. Indices are asked for by their digests where the archive offers that, and all of
    them are here before the first package is declared: a suite that changes meanwhile is read anew,
    once, and never mixed. A list of packages is a scope, kept unseen where its digest is known.
    """

    gives = frozenset({facts.DECLARED})

    #: Whether files are served by their digests also where the archive does not do so.
    always_by_hash: ClassVar[bool] = False

    def __init__(self, remote: Remote, options: DebOptions) -> None:
        check_options(options)
        self.remote = attrs.evolve(remote, url=f"{remote.url.rstrip('/')}/")
        self.options = options

    async def run(self) -> None:
        keyring = await asyncio.to_thread(read_options_keyring, self.options.keyring)
        for suite in self.options.suites:
            await self._mirror(suite, keyring)

    async def _mirror(self, suite: str, keyring: Keyring | None) -> None:
        trusted = await self._trusted(suite, keyring)
        try:
            changed = await self._fetch(suite, trusted.release)
        except (NotFound, IntegrityError) as error:
            before, trusted = trusted, await self._trusted(suite, keyring)
            if trusted.text == before.text:
                raise torn(suite, error) from error
            changed = await self._fetch(suite, trusted.release)
        await self.put(self._release(suite, trusted))
        changing = {scope_of(suite, fetched.part) for fetched in changed}
        for part in parts_of(trusted.release, self.options, suite):
            if (scope := scope_of(suite, part)) not in changing:
                await self.keep(scope)
        for fetched in changed:
            await self._declare(suite, trusted.release, fetched)
        for index in self._further(suite, trusted.release):
            await self._declare_file(suite, trusted.release, index)

    async def _trusted(self, suite: str, keyring: Keyring | None) -> Trusted:
        trusted = await fetch_release(self.remote, suite, keyring)
        release = trusted.release
        await self.context.note_freshness(
            f"suite {suite}", moment=release.moment, expires=release.expires, upstream_now=trusted.upstream_now
        )
        return trusted

    async def _fetch(self, suite: str, release: Release) -> list[Fetched]:
        """Fetch what changed since it was last declared."""
        changed = []
        for part in parts_of(release, self.options, suite):
            scope = scope_of(suite, part)
            if await self.context.checkpoint(scope) == _note(part):
                continue
            files = {part.read.path: await self._download(suite, release, part.read)}
            if not self.remote.deferred:
                for index in _others(part, release):
                    # Archives list forms of an index that they do not have.
                    try:
                        files[index.path] = await self._download(suite, release, index)
                    except NotFound:
                        continue
            changed.append(Fetched(part, files))
        return changed

    async def _download(self, suite: str, release: Release, index: ListedIndex) -> Download:
        expected = Artifact(index.sha256, index.size)
        return await self.remote.get_downloader(self._url(suite, release, index), artifact=expected).run()

    def _url(self, suite: str, release: Release, index: ListedIndex) -> str:
        path = _by_hash(index) if release.by_hash else index.path
        return urljoin(self.remote.url, quote(f"{folder_of(suite)}{path}"))

    def _release(self, suite: str, trusted: Trusted) -> DeclarativeContent:
        release = trusted.release
        content = DebRelease(
            suite=suite,
            codename=release.codename,
            date=release.date,
            valid_until=release.valid_until,
            components=release.components,
            architectures=release.architectures,
        )
        files = [
            DeclarativeArtifact(
                Artifact(file.digests["sha256"], file.size, file=file.path),
                file.url,
                f"{folder_of(suite)}{name}",
                self.remote,
            )
            for name, file in trusted.files.items()
        ]
        return DeclarativeContent(content, files, scope=suite)

    async def _declare(self, suite: str, release: Release, fetched: Fetched) -> None:
        part, scope = fetched.part, scope_of(suite, fetched.part)
        for index in (part.read, *_others(part, release)):
            if self.remote.deferred or index.path in fetched.files:
                await self.put(self._index(suite, release, index, scope, fetched.files.get(index.path)))
        what = f"{folder_of(suite)}{part.read.path}"
        declaring = Declaring(
            suite=suite,
            component=part.component,
            architecture=part.architecture,
            remote=self.remote,
            scope=scope,
            what=what,
        )
        async for paragraph in paragraphs_of(fetched.files[part.read.path].path, part, what):
            match declaring.unit(paragraph):
                case Unusable(unit=lost, error=error):
                    await self.fail(lost, error)
                case unit:
                    await self.put(unit)
        await self.context.note_checkpoint(scope, _note(part))

    def _further(self, suite: str, release: Release) -> Iterator[ListedIndex]:
        parts = parts_of(release, self.options, suite)
        return (index for index in further_files(release, self.options, parts) if is_offered(index, release))

    async def _declare_file(self, suite: str, release: Release, index: ListedIndex) -> None:
        scope = f"{suite}/{index.path}"
        if await self.context.checkpoint(scope) == index.sha256:
            await self.keep(scope)
            return
        await self.put(self._index(suite, release, index, scope, None))
        await self.context.note_checkpoint(scope, index.sha256)

    def _index(
        self, suite: str, release: Release, index: ListedIndex, scope: str, here: Download | None
    ) -> DeclarativeContent:
        folder = folder_of(suite)
        path, url = f"{folder}{index.path}", self._url(suite, release, index)
        artifact = Artifact(index.sha256, index.size, file=here.path if here is not None else None)
        paths = [path, f"{folder}{_by_hash(index)}"] if release.by_hash or self.always_by_hash else [path]
        deferred = self.remote.deferred and here is None
        where = [DeclarativeArtifact(artifact, url, one, self.remote, deferred_download=deferred) for one in paths]
        return DeclarativeContent(DebIndex(path, index.sha256, index.size), where, scope=scope)


async def paragraphs_of(path: Path, part: Part, what: str) -> AsyncIterator[Paragraph]:
    """Read a list beside the loop, a piece at a time."""
    with closing(opened(path, part)) as file:
        reading = read_paragraphs(file, what=what)
        while piece := await asyncio.to_thread(lambda: list(itertools.islice(reading, _AT_ONCE))):
            for paragraph in piece:
                yield paragraph


def opened(path: Path, part: Part) -> IO[bytes]:
    """Open a list, unpacked."""
    return bounded_decode(path, part.compression) if part.compression else path.open("rb")


def _others(part: Part, release: Release) -> Sequence[ListedIndex]:
    return [index for index in part.files if index != part.read and is_offered(index, release)]


def _by_hash(index: ListedIndex) -> str:
    folder, slash, _ = index.path.rpartition("/")
    return f"{folder}{slash}by-hash/SHA256/{index.sha256}"


def scope_of(suite: str, part: Part) -> str:
    """The scope of what one list declares."""
    return f"{suite}/{part.component}/{part.architecture}"


def _note(part: Part) -> str:
    said = sorted((index.path, index.sha256) for index in part.files)
    return hashlib.sha256(repr(said).encode()).hexdigest()


def torn(suite: str, error: NotFound | IntegrityError) -> EntrepotError:
    """Say that a Release names what is not there, or is something else."""
    if isinstance(error, IntegrityError):
        return error
    return UpstreamError(
        f"the Release of suite {suite!r} names lists that are not there: the archive was changed in part",
        where=error.where,
        remedy="sync again in some minutes; if it stays so, report it to whoever runs the archive",
    )


def read_options_keyring(file: Path | None) -> Keyring | None:
    """Read the keyring that the options name."""
    if file is None:
        return None
    try:
        return read_keyring(file.read_bytes(), what=str(file))
    except OSError as error:
        raise ConfigurationError(
            f"the keyring cannot be read: {error.strerror}", where=str(file), remedy="name a file of public keys"
        ) from error
