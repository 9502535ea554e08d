"""Export: a version as a tree of plain files, which any web server or rsync can serve.

No lock keeps a prune away: what a version has stays for as long as the version does, and one that
is pruned meanwhile ends its export, with the tree before untouched. See docs/decisions/0038.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

import attrs

from entrepot.errors import DepotError, EntrepotError, IntegrityError, UpstreamError
from entrepot.model.artifact import Artifact, StoredArtifact
from entrepot.operations.static_tree import building

if TYPE_CHECKING:
    from entrepot.catalog.rows import Located, VersionRow
    from entrepot.depot import Depot
    from entrepot.download.downloads import Downloads
    from entrepot.model.incoming import Received
    from entrepot.operations.reference import Reference
    from entrepot.operations.static_tree import StaticTree

T = TypeVar("T")

#: Files that are fetched at a time; the remote's own limits hold beside that.
_AT_ONCE: Final = 8

#: What becomes of files that were never fetched.
Missing: TypeAlias = Literal["fetch", "skip", "fail"]


@attrs.define(kw_only=True)
class Exported:
    """What an export made, up to the moment.

    `written` are pages that the catalog holds; `skipped` were never fetched and are not in the tree.
    `passed_over` had the path of a file that came before.
    """

    repository: str
    version: int
    directory: str
    linked: int = 0
    copied: int = 0
    written: int = 0
    fetched: int = 0
    skipped: int = 0
    passed_over: int = 0
    octets: int = 0

    @property
    def files(self) -> int:
        """All files of the tree."""
        return self.linked + self.copied + self.written

    def to_json(self) -> dict[str, Any]:
        """The line that programs get."""
        return {"event": "exported", "files": self.files, **attrs.asdict(self)}


@attrs.frozen
class _Export:
    depot: Depot
    version: VersionRow
    tree: StaticTree
    done: Exported
    copy: bool


def unwatched(_: Exported) -> None:
    """Nobody wants to know how far it is."""


async def export(
    depot: Depot,
    reference: Reference,
    directory: Path,
    *,
    missing: Missing = "fetch",
    copy: bool = False,
    progress: Callable[[Exported], None] = unwatched,
) -> Exported:
    """Put a version in a directory's place, whole and durable, or leave the directory as it was.

    Stored files are linked where the file system allows, unless `copy` asks otherwise. `missing`
    says what becomes of files that were never fetched: fetch and keep them as a client's request
    would, leave them out, or raise. `progress` hears of each page of the catalog's.
    """
    catalog = depot.catalog
    version = await catalog.ask(catalog.reader.version, reference.name, reference.at)
    done = Exported(repository=version.repository, version=version.number, directory=str(directory))
    async with _building(directory) as tree:
        work = _Export(depot, version, tree, done, copy)
        async with depot.workshop.downloads() as downloads:
            async for page in _pages(depot, version):
                absent = await _to_the_end(_place_all, work, page)
                await _handle_absent(work, absent, missing, downloads=downloads)
                progress(done)
    return done


@asynccontextmanager
async def _building(directory: Path) -> AsyncIterator[StaticTree]:
    """Begin and end a tree beside the loop: both may have a million files to remove, and to sync."""
    stack = ExitStack()
    tree = await asyncio.to_thread(stack.enter_context, building(directory))
    try:
        yield tree
    except BaseException as error:
        await _to_the_end(stack.__exit__, type(error), error, error.__traceback__)
        raise
    await _to_the_end(stack.__exit__, None, None, None)


async def _to_the_end(work: Callable[..., T], *arguments: Any) -> T:
    """Run on a thread, and wait for it also when cancelled: nobody writes into a tree that goes."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


async def _pages(depot: Depot, version: VersionRow) -> AsyncIterator[Sequence[Located]]:
    """Published files, which go before artifacts at the same path, then artifacts."""
    catalog, place = depot.catalog, ("", "")
    name, number = version.repository, version.number
    while files := await catalog.ask(partial(catalog.reader.published, name, number, after=place)):
        yield files
        place = (files[-1].relative_path, files[-1].media_type or "")
    place = ("", "")
    while rows := await catalog.ask(partial(catalog.reader.declared, name, number, after=place)):
        yield [file for _, file in rows]
        place = (rows[-1][0], rows[-1][1].relative_path)


def file_name(path: str, media_type: str | None) -> tuple[str, str]:
    """The name of a file in a tree, and the one it takes where that is taken by another of its path.

    What answers for a folder is its index. Of several files at one path, the first by media type has it.
    """
    kind = (media_type or "").partition(";")[0].strip().lower()
    ending = kind.rpartition("/")[2].rpartition("+")[2].rpartition(".")[2] or "bin"
    if path.endswith("/"):
        return f"{path}index.{ending}", ""
    return path, f"{path}.{ending}" if media_type else ""


def _place_all(work: _Export, files: Sequence[Located]) -> list[Located]:
    """Make files of what is held; what is not comes back."""
    return [file for file in files if not _place(work, file)]


def _place(work: _Export, file: Located) -> bool:
    if file.body is None and file.artifact is None:
        return False
    name, otherwise = file_name(file.relative_path, file.media_type)
    if not (_put(work, name, file) or (otherwise and _put(work, otherwise, file))):
        work.done.passed_over += 1
    return True


def _put(work: _Export, name: str, file: Located) -> bool:
    if file.artifact is not None:
        return _put_stored(work, name, file.artifact)
    body = file.body or b""
    if put := work.tree.write(name, body):
        work.done.written += 1
        work.done.octets += len(body)
    return put


def _put_stored(work: _Export, name: str, artifact: StoredArtifact) -> bool:
    storage, done = work.depot.storage, work.done
    if not storage.holds(artifact.sha256, artifact.size):
        work.depot.catalog.reader.version(done.repository, done.version)  # says so when it was pruned
        raise IntegrityError(
            f"the stored bytes sha256:{artifact.sha256.hex()} are gone or damaged", name, "entrepot repair"
        )
    path = None if work.copy else storage.path(artifact.sha256)
    put = work.tree.link(name, path) if path is not None else None
    done.linked += put is True
    if put is None:
        with storage.open(artifact.sha256) as source:
            put = work.tree.copy(name, source)
        done.copied += put
    done.octets += artifact.size if put else 0
    return put


async def _handle_absent(work: _Export, absent: Sequence[Located], missing: Missing, *, downloads: Downloads) -> None:
    if absent and missing == "fail":
        raise DepotError(
            f"{len(absent)} or more files were never fetched",
            f"{work.done.repository}@{work.done.version}, {absent[0].relative_path}",
            "have them fetched: --missing fetch; or leave them out: --missing skip",
        )
    if missing == "skip":
        work.done.skipped += len(absent)
        return
    room = asyncio.Semaphore(_AT_ONCE)

    async def fetch(file: Located) -> None:
        async with room:
            await _fetch(work, file, downloads)

    try:
        async with asyncio.TaskGroup() as tasks:
            for file in absent:
                tasks.create_task(fetch(file))
    except ExceptionGroup as group:
        known = [error for error in group.exceptions if isinstance(error, EntrepotError)]
        raise (known or group.exceptions)[0] from None


async def _fetch(work: _Export, file: Located, downloads: Downloads) -> None:
    """Fetch what a client would have had fetched, keep it, and put it in the tree."""
    depot, name = work.depot, work.done.repository
    if file.declared is None or not file.urls:
        raise UpstreamError(
            f"{file.relative_path!r} is not held here, and it is not known where it can be had",
            remedy=f"sync the repository again: entrepot sync {name}; or: --missing skip",
        )
    named: dict[str, Any] = {file.declared.algorithm: file.declared.hex}
    remote = await asyncio.to_thread(depot.remote, name)
    received = await downloads.fetch(remote, file.urls, Artifact(size=file.size, **named), depot.storage)
    work.done.fetched += 1
    if depot.settings.repository(name).policy == "streamed":
        await _to_the_end(_put_streamed, work, file, received)
        return
    # A thread cannot be cancelled: what it keeps is kept, and what it could not, it discards itself.
    (kept,) = await asyncio.shield(asyncio.to_thread(depot.storage.keep, [received]))
    await depot.catalog.keep_fetched(name, kept, private=depot.settings.repository(name).private)
    held = file._replace(artifact=StoredArtifact(kept.sha256, kept.size))
    await _to_the_end(_place, work, held)


def _put_streamed(work: _Export, file: Located, received: Received) -> None:
    """Copy what is not to be kept."""
    try:
        with open(received.path, "rb") as source:
            put = work.tree.copy(file_name(file.relative_path, None)[0], source)
    finally:
        received.discard()
    work.done.copied += put
    work.done.passed_over += not put
    work.done.octets += received.size if put else 0
