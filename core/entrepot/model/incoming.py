"""Bytes on their way in: what a download writes to, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.model.artifact import Artifact
    from entrepot.model.digest import Digest


class Closable(Protocol):
    """Something held until it is given back, such as a share of a budget."""

    def close(self) -> None:
        """Give it back; calling again does nothing."""


class Received(Protocol):
    """Bytes that came in whole and were verified, not yet kept under a final name.

    Made by `Incoming.finish`. It ends once: a storage keeps it, or somebody discards it.
    """

    @property
    def sha256(self) -> bytes: ...
    @property
    def size(self) -> int: ...
    @property
    def digests(self) -> tuple[Digest, ...]:
        """All digests computed on the way, sha256 among them."""

    @property
    def path(self) -> Path:
        """A file with the bytes; readable until the bytes are kept or discarded."""

    def content(self) -> bytes:
        """All the bytes, at once; as long as `path`."""

    def discard(self) -> None:
        """Forget the bytes and remove what holds them; calling again does nothing."""


class Incoming(Protocol):
    """Where a download writes; hashes what passes and holds the declared size to the byte."""

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes, or raise `SizeMismatch` at the first byte past the declared size."""

    def restart(self) -> None:
        """Forget what was written so far: the transfer begins anew."""

    @property
    def written(self) -> int:
        """Bytes taken since the last restart."""

    def finish(self) -> Received:
        """Check size and every declared digest; on `DigestMismatch` or `SizeMismatch` all is discarded."""

    def discard(self) -> None:
        """Forget the bytes; calling again, or after `finish`, does nothing."""


class Receiver(Protocol):
    """Makes the place that one download writes to; a storage is one, a scratch folder another."""

    def receive(self, expected: Artifact) -> Incoming:
        """Begin to take bytes that should become `expected`; nothing touches a final name."""
