"""Bytes as files of one folder, named by their sha256."""

from __future__ import annotations

import functools
import os
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal

from entrepot.errors import NotHeld
from entrepot.model.artifact import Artifact
from entrepot.model.digest import Digest
from entrepot.model.ledger import KeptArtifact
from entrepot.storage.disk import Disk
from entrepot.storage.durable import Choice, SyncEach, SyncWhole, rounds
from entrepot.storage.faults import fault
from entrepot.storage.incoming import Arrived, Arriving
from entrepot.storage.keeper import Keeper
from entrepot.storage.scratch import Scratch
from entrepot.storage.shelf import Shelf
from entrepot.storage.standing import walk
from entrepot.storage.whole_sync import syncfs_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from entrepot.model.incoming import Received
    from entrepot.storage.protocol import Damage, Standing

_READ: Final = 256 * 1024


class FilesystemStorage:
    """Files at `sha256/ab/cdef...` below a folder; temporary ones in `tmp/` beside them.

    `sync` says how a round becomes durable: "each" file by `fsync`, or, on "auto", the whole file
    system by `syncfs` where that can be trusted and is faster. Many small bodies are kept by another
    process, unless a `disk` is given: what is to be seen there happens in this one.
    """

    def __init__(
        self,
        root: Path,
        *,
        disk: Disk | None = None,
        threads: int = 8,
        sync: Literal["auto", "each"] = "auto",
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.root = root
        self._disk = disk or Disk()
        self._clock = clock
        self._sync = sync
        self._shelf = Shelf(str(root / "sha256"), self._disk)
        self._scratch = Scratch(str(root / "tmp"), self._disk)
        self._each = SyncEach(self._disk, threads=threads)
        self._keeper = Keeper(root, sync=sync) if disk is None else None

    def prepare(self) -> None:
        """Make the folders, durably; calling again does nothing."""
        with self._told():
            for folder in (*reversed(self.root.parents), self.root):
                if self._make(str(folder)):
                    self._disk.sync_folder(str(folder.parent))
            self._make(str(self.root / "tmp"), 0o700)
            self._make(self._shelf.root)
            for name in self._shelf.folders():
                self._make(name)
            # Synced also when all was there: who made it may have been killed before it did.
            for place in (self._shelf.root, str(self.root), str(self.root.parent)):
                self._disk.sync_folder(place)

    def sweep(self) -> int:
        """Remove temporary files that dead processes left; bounded in time."""
        with self._told():
            return self._scratch.sweep()

    def close(self) -> None:
        """End the threads and the other process, and give up the lock on temporary files."""
        if self._keeper is not None:
            self._keeper.close()
        self._each.close()
        self._scratch.close()

    def receive(self, expected: Artifact) -> Arriving:
        """Begin to take bytes; nothing is written before there are more than fit in memory."""
        return Arriving(expected, files=self._scratch, disk=self._disk)

    def keep(self, batch: Sequence[Received]) -> list[KeptArtifact]:
        """Make bytes durable under their digests, in rounds."""
        with self._told(), ExitStack() as leftovers:
            for received in batch:
                leftovers.callback(received.discard)
            ours = [self._ours(received, leftovers) for received in batch]
            files = {file.sha256: file for file in ours}
            written = self._keeper.keep([file for file in files.values() if file.is_in_memory]) if self._keeper else {}
            written |= self._keep_here(file for file in files.values() if file.sha256 not in written)
            return [
                KeptArtifact(one.sha256, one.size, one.digests, None if written[one.sha256] else self._recheck(one))
                for one in batch
            ]

    def keep_verified(self, bodies: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bool]:
        """Make bytes durable under digests that somebody found them to have; which were written, not found.

        Raises an `OSError` as it came, for who tells it elsewhere.
        """
        with ExitStack() as leftovers:
            files = []
            for sha256, body in bodies:
                digests = (Digest("sha256", sha256),)
                files.append(Arrived(digests, len(body), body=body, files=self._scratch, disk=self._disk))
                leftovers.callback(files[-1].discard)
            return self._keep_here(files)

    def holds(self, sha256: bytes, size: int | None = None) -> bool:
        """Whether a file stands under the digest, of that size; its bytes are not looked at."""
        return self._shelf.holds(sha256, size)

    def find(self, digests: Sequence[bytes]) -> list[KeptArtifact | None]:
        """Verify what stands under each digest, and make it durable before it is told."""
        with self._told():
            present = [sha256 for sha256 in dict.fromkeys(digests) if self._shelf.holds(sha256)]
            way = self._choice.pick(len(present))
            verify = functools.partial(self._shelf.verify, sync=way is self._each)
            sizes = dict(zip(present, self._each.share(verify, present), strict=True))
            right = {
                sha256: KeptArtifact(sha256, size, (Digest("sha256", sha256),))
                for sha256, size in sizes.items()
                if size is not None
            }
            if right:
                way.folders(sorted({self._shelf.folder(sha256) for sha256 in right}))
            found = [right.get(sha256) for sha256 in digests]
            return [kept and kept._replace(recheck=self._recheck(kept)) for kept in found]

    def open(self, sha256: bytes) -> BinaryIO:
        """Open the bytes for reading; links, pipes and folders are not they."""
        with self._told():
            file = self._shelf.open(sha256)
            if file is None:
                raise NotHeld(sha256.hex(), str(self.root))
            return os.fdopen(file, "rb")

    def path(self, sha256: bytes) -> Path | None:
        """The file itself, or None when there is none."""
        return Path(self._shelf.name(sha256)) if self._shelf.holds(sha256) else None

    def remove(self, sha256: bytes) -> None:
        """Take the name away; who has the file open reads on."""
        with self._told():
            self._shelf.remove(sha256)

    def walk(self) -> Iterator[Standing]:
        """All that stands in the folder, folder by folder, but for temporary files."""
        with self._told():
            yield from walk(str(self.root))

    def examine(self, sha256: bytes, size: int) -> Damage | None:
        """Read and hash what stands under a digest, unless its size tells already."""
        with self._told():
            return self._shelf.examine(sha256, size)

    def _keep_here(self, files: Iterable[Arrived]) -> dict[bytes, bool]:
        written: dict[bytes, bool] = {}
        for part in rounds(files):
            written |= self._keep_round(part)
        return written

    def _keep_round(self, part: Sequence[Arrived]) -> dict[bytes, bool]:
        """Sync the files, give them their names, sync the folders; which were written, not found."""
        way, began = self._choice.pick(len(part)), self._clock()
        way.write(part)
        written = {file.sha256: self._place(file) for file in part}
        way.folders(sorted({self._shelf.folder(sha256) for sha256 in written}))
        self._choice.note(way, len(part), self._clock() - began)
        return written

    def _place(self, file: Arrived) -> bool:
        placed = self._shelf.place(file.write_out(sync=False), file.sha256)
        if placed:
            file.moved()
        return placed

    @functools.cached_property
    def _choice(self) -> Choice:
        syncfs = syncfs_for(str(self.root)) if self._sync == "auto" else None
        return Choice(self._each, SyncWhole(self._disk, self._scratch, syncfs=syncfs) if syncfs is not None else None)

    def _recheck(self, one: Received | KeptArtifact) -> Callable[[], bool]:
        return functools.partial(self._shelf.holds, one.sha256, one.size)

    def _ours(self, received: Received, leftovers: ExitStack) -> Arrived:
        """Take the file as it is when it lies in our scratch folder, else copy it there."""
        if isinstance(received, Arrived) and received.files is self._scratch:
            return received
        incoming = self.receive(Artifact(sha256=received.sha256.hex(), size=received.size))
        leftovers.callback(incoming.discard)
        with open(received.path, "rb") as body:
            while piece := body.read(_READ):
                incoming.write(piece)
        copy = incoming.finish()
        leftovers.callback(copy.discard)
        return copy

    def _make(self, folder: str, mode: int = 0o777) -> bool:
        """Make a folder when there is none; whether it was made."""
        try:
            self._disk.make_folder(folder, mode)
        except FileExistsError:
            if os.path.isdir(folder):
                return False
            raise
        return True

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise fault(error, str(self.root)) from error
