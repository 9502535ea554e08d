"""What core ships, as a plugin like any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from entrepot.assembly.registrations import Executor, ExecutorContext
from entrepot.errors import ConfigurationError, safe_url
from entrepot.executors.local import Local
from entrepot.executors.processes import Processes, ProcessesOptions
from entrepot.hooks.specs import hookimpl

if TYPE_CHECKING:
    from entrepot.download.protocol import Fetcher, FetcherFactory, Lane
    from entrepot.model.job import JobRunner
    from entrepot.model.remote import Remote
    from entrepot.storage.protocol import Storage


@hookimpl
def entrepot_register_storages() -> Mapping[str, Callable[[str], Storage]]:
    """A folder of this machine, and memory for trying things out."""
    return {"file": _filesystem, "memory": _memory}


@hookimpl
def entrepot_register_downloaders() -> Mapping[str, FetcherFactory]:
    """The web, and this machine's files."""
    return {"http": _web, "https": _web, "file": _files}


@hookimpl
def entrepot_register_executors() -> Sequence[Executor]:
    """This process, and processes of their own on this machine."""
    return [
        Executor("local", _local, in_process=True),
        Executor("processes", _processes, ProcessesOptions),
    ]


def _local(context: ExecutorContext) -> JobRunner:
    return Local(context.sync_here)


def _processes(context: ExecutorContext) -> JobRunner:
    return Processes(context.options.jobs)


def _web(remote: Remote, lane: Lane) -> Fetcher:
    from entrepot.download.http import HttpFetcher  # noqa: PLC0415  # whoever asks for help does not wait for it

    return HttpFetcher(remote, lane)


def _files(remote: Remote, lane: Lane) -> Fetcher:
    from entrepot.download.file import FileFetcher  # noqa: PLC0415  # only who opens a depot waits for it

    return FileFetcher(remote, lane)


def _filesystem(url: str) -> Storage:
    from entrepot.storage.filesystem import FilesystemStorage  # noqa: PLC0415  # only who opens a depot waits for it

    return FilesystemStorage(_folder(url))


def _memory(_: str) -> Storage:
    from entrepot.storage.memory import MemoryStorage  # noqa: PLC0415  # only who opens a depot waits for it

    return MemoryStorage()


def _folder(url: str) -> Path:
    parts = urlsplit(url)
    path = Path(unquote(parts.path))
    if parts.netloc not in ("", "localhost") or not path.is_absolute():
        raise ConfigurationError(
            f"storage {safe_url(url)!r} is not a folder of this machine",
            where="depot.storage",
            remedy='write it as storage = "file:///absolute/path"',
        )
    return path
