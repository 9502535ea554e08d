"""Bytes in memory, for trying things out; gone with the process."""

from __future__ import annotations

import functools
import hashlib
import io
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from entrepot.errors import NotHeld
from entrepot.model.digest import Digest
from entrepot.model.ledger import KeptArtifact
from entrepot.storage.disk import Disk
from entrepot.storage.incoming import Arriving
from entrepot.storage.protocol import Standing
from entrepot.storage.scratch import Scratch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from entrepot.model.artifact import Artifact
    from entrepot.model.incoming import Received
    from entrepot.storage.protocol import Damage


class MemoryStorage:
    """A dictionary. Bodies come in as they do elsewhere: large ones wait in a temporary folder."""

    in_process = True

    def __init__(self) -> None:
        self._bodies: dict[bytes, bytes] = {}
        self._lock = threading.Lock()
        self._disk = Disk()

    def receive(self, expected: Artifact) -> Arriving:
        """Begin to take bytes."""
        return Arriving(expected, files=self, disk=self._disk)

    def create(self) -> tuple[str, int]:
        """Make a temporary file for a body on its way in."""
        return self._scratch.create()

    def keep(self, batch: Sequence[Received]) -> list[KeptArtifact]:
        """Note all the bytes."""
        kept = []
        with self._lock:
            before = set(self._bodies)
            for received in batch:
                found = received.sha256 in before
                self._bodies.setdefault(received.sha256, received.content())
                recheck = functools.partial(self.holds, received.sha256) if found else None
                kept.append(KeptArtifact(received.sha256, received.size, received.digests, recheck))
        for received in batch:
            received.discard()
        return kept

    def holds(self, sha256: bytes, size: int | None = None) -> bool:
        """Whether there are such bytes."""
        body = self._bodies.get(sha256)
        return body is not None and size in (None, len(body))

    def find(self, digests: Sequence[bytes]) -> list[KeptArtifact | None]:
        """What is here is right: nobody else can reach it."""
        return [
            KeptArtifact(sha256, len(body), (Digest("sha256", sha256),), functools.partial(self.holds, sha256))
            if (body := self._bodies.get(sha256)) is not None
            else None
            for sha256 in digests
        ]

    def open(self, sha256: bytes) -> BinaryIO:
        """Read from memory."""
        body = self._bodies.get(sha256)
        if body is None:
            raise NotHeld(sha256.hex(), "memory")
        return io.BytesIO(body)

    def path(self, sha256: bytes) -> Path | None:  # noqa: ARG002 - no digest has one
        """There are no files."""
        return None

    def remove(self, sha256: bytes) -> None:
        """Forget the bytes; who reads them reads on."""
        self._bodies.pop(sha256, None)

    def walk(self) -> Iterator[Standing]:
        """Everything is a body under its digest."""
        for sha256 in list(self._bodies):
            yield Standing(sha256.hex(), sha256, "file", 0.0)

    def examine(self, sha256: bytes, size: int) -> Damage | None:
        """What is in memory is right, of the size that it has."""
        body = self._bodies.get(sha256)
        if body is None:
            return "missing"
        if len(body) != size:
            return "short" if len(body) < size else "long"
        return None if hashlib.sha256(body).digest() == sha256 else "flipped"

    def prepare(self) -> None:
        """Nothing is needed."""

    def sweep(self) -> int:
        """Nothing outlives its process."""
        return 0

    def close(self) -> None:
        """Forget everything."""
        self._bodies.clear()
        if "_scratch" in self.__dict__:
            self._scratch.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    @functools.cached_property
    def _folder(self) -> str:
        return tempfile.mkdtemp(prefix="entrepot-")

    @functools.cached_property
    def _scratch(self) -> Scratch:
        return Scratch(self._folder, self._disk)
