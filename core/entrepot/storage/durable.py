"""Making many files durable together: the price of a sync is paid for a round, not for a file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from entrepot.storage.disk import Disk
    from entrepot.storage.incoming import Arrived
    from entrepot.storage.scratch import Scratch

    T = TypeVar("T")
    R = TypeVar("R")

#: One round takes at most so many files, and so many bytes (one larger file is a round by itself).
ROUND_FILES: Final = 2000
ROUND_BYTES: Final = 64 * 1024**2

#: With fewer files than this, syncing a whole file system means waiting for what is not ours.
_FEW: Final = 32

#: Seconds for a file that are no reason to look whether the other way is faster.
_FAST_ENOUGH: Final = 0.0005

#: After so many rounds the slower way is tried again: disks and neighbours change.
_LOOK_AGAIN: Final = 32


def rounds(files: Iterable[Arrived]) -> Iterator[list[Arrived]]:
    """Cut files into durability rounds, in order."""
    part: list[Arrived] = []
    size = 0
    for file in files:
        if part and (len(part) >= ROUND_FILES or size + file.size > ROUND_BYTES):
            yield part
            part, size = [], 0
        part.append(file)
        size += file.size
    if part:
        yield part


class Syncing(Protocol):
    """A way to get files and folders onto the medium. Failures are `OSError`s and final."""

    def write(self, files: Sequence[Arrived]) -> None:
        """Bring each file into its temporary file, and all of them onto the medium."""

    def folders(self, folders: Sequence[str]) -> None:
        """Bring the names in these folders onto the medium."""


class SyncEach:
    """Syncs file by file, in several threads: the disk takes their requests together."""

    def __init__(self, disk: Disk, *, threads: int) -> None:
        self._disk = disk
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="entrepot-storage")

    def write(self, files: Sequence[Arrived]) -> None:
        self.share(lambda file: file.write_out(sync=True), files)

    def folders(self, folders: Sequence[str]) -> None:
        self.share(self._disk.sync_folder, folders)

    def share(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Do the work for all items, in a few large parts; every part has ended when this returns.

        The first failure is raised, after the others came to their end.
        """
        if len(items) <= 1:
            return [work(item) for item in items]
        size = -(-len(items) // self._threads)
        parts = [items[start : start + size] for start in range(0, len(items), size)]
        jobs = [self._pool.submit(_each, work, part) for part in parts]
        wait(jobs)
        return [result for job in jobs for result in job.result()]

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()


def _each(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    return [work(item) for item in items]


class SyncWhole:
    """Writes all files from one thread, then syncs the file system once."""

    def __init__(self, disk: Disk, scratch: Scratch, *, syncfs: Callable[[int], None]) -> None:
        self._disk = disk
        self._scratch = scratch
        self._syncfs = syncfs

    def write(self, files: Sequence[Arrived]) -> None:
        handle = self._scratch.handle  # opened before the files: errors are told from then on
        for file in files:
            file.write_out(sync=False)
        self._disk.sync_whole(self._syncfs, handle)

    def folders(self, folders: Sequence[str]) -> None:  # noqa: ARG002 - whichever they are, they are among them
        self._disk.sync_whole(self._syncfs, self._scratch.handle)


class Choice:
    """Picks a way for each round: what is allowed, and of two ways the faster of late."""

    def __init__(self, each: SyncEach, whole: SyncWhole | None) -> None:
        self._each = each
        self._whole = whole
        self._seconds: dict[bool, float] = {}
        self._rounds = 0

    def pick(self, files: int) -> Syncing:
        """The way for a round of so many files."""
        if self._whole is None or files < _FEW:
            return self._each
        self._rounds += 1
        return self._whole if self._prefers_whole() else self._each

    def note(self, way: Syncing, files: int, seconds: float) -> None:
        """Remember what a round took; better is believed at once, worse by and by."""
        if files >= _FEW:
            whole, pace = way is self._whole, seconds / files
            self._seconds[whole] = min(pace, (self._seconds.get(whole, pace) + pace) / 2)

    def _prefers_whole(self) -> bool:
        whole, each = self._seconds.get(True, 0.0), self._seconds.get(False)
        if each is None:
            return whole <= _FAST_ENOUGH
        return (whole <= each) is (self._rounds % _LOOK_AGAIN != 0)
