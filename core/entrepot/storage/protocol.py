"""What a storage promises, whatever it keeps the bytes in."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, Protocol, TypeAlias

from entrepot.model.incoming import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from entrepot.model.incoming import Received
    from entrepot.model.ledger import KeptArtifact


#: What can be wrong with what stands under a digest; "mistyped" is a link, a folder, a pipe.
Damage: TypeAlias = Literal["missing", "short", "long", "flipped", "mistyped", "unreadable"]


class Standing(NamedTuple):
    """Something that stands in a storage, known by name only.

    `sha256` is the digest that the name says, or None for what cannot be bytes of the storage.
    `changed` is when it last was, in seconds since 1970.
    """

    name: str
    sha256: bytes | None
    kind: Literal["file", "link", "folder", "other"]
    changed: float


class Storage(Receiver, Protocol):
    """Bytes by sha256. What stands under a digest has that digest, after any crash.

    `receive` is cheap and may be called on the event loop; all else blocks. Any number of threads,
    and any number of processes with storages of their own on the same place, may call at once.
    Failures are `DepotError`s. One whose bytes no other process can see says `in_process = True`.
    """

    def keep(self, batch: Sequence[Received]) -> list[KeptArtifact]:
        """Make received bytes durable under their digests; answers stand in the order of the batch.

        When it returns, a power cut loses none of them. When it raises, what is not yet kept is
        discarded; what is kept may stay, and is right. Bytes that were already there are verified,
        never trusted, and replaced when they are wrong; for those found right, `recheck` is set.
        The same digest may stand in a batch several times.
        """

    def holds(self, sha256: bytes, size: int | None = None) -> bool:
        """Whether something stands under the digest, of that size where one is given; a quick look."""

    def find(self, digests: Sequence[bytes]) -> list[KeptArtifact | None]:
        """Read and verify what stands under each digest; None where nothing does, or something else.

        What is returned is durable, so that rows may be written for it.
        """

    def open(self, sha256: bytes) -> BinaryIO:
        """Open the bytes for reading; `NotHeld` when they are not there."""

    def path(self, sha256: bytes) -> Path | None:
        """A file that may be sent as it is, or None when there is none."""

    def remove(self, sha256: bytes) -> None:
        """Remove the bytes; who has them open reads on. Nothing happens when they are not there."""

    def walk(self) -> Iterator[Standing]:
        """All that stands there, in no order, read as it is asked for; nothing is opened or followed.

        What comes or goes meanwhile may or may not be among it. Temporary files are not told.
        """

    def examine(self, sha256: bytes, size: int) -> Damage | None:
        """Read what stands under a digest, and say what is wrong with it; None when it is right.

        Nothing is changed, followed or waited on. Who may have changed it meanwhile looks again.
        """

    def prepare(self) -> None:
        """Make what is needed before anything can be kept; calling again does nothing."""

    def sweep(self) -> int:
        """Remove temporary files that dead processes left, and say how many; bounded in time."""

    def close(self) -> None:
        """End threads and let go of files. Bytes received and not kept are lost."""
