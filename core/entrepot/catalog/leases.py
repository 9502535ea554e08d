"""Leases: who may write a repository's next version.

Taking a lease raises its token. Every write of a run first finds its own token still there, so a
run that slept through a takeover writes nothing.
"""

from __future__ import annotations

import fcntl
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from entrepot.errors import DepotBusy, DepotError, RepositoryBusy

if TYPE_CHECKING:
    from collections.abc import Callable


class Claim(Protocol):
    """What holds a lease beside its row."""

    def keep(self, repository: int, token: int) -> None:
        """Begin to hold on; called once the row is ours."""

    def close(self) -> None:
        """Hold on no longer; calling again does nothing."""


def holder() -> str:
    """How this process is named to whoever finds the repository busy."""
    return f"process {os.getpid()} on {platform.node()}"


def busy(repository: str, who: str) -> RepositoryBusy:
    """The error for a repository that somebody else is writing."""
    return RepositoryBusy(
        f"repository {repository!r} is being synced by {who}",
        where=f"the lease of {repository!r}",
        remedy="wait until that sync ends, or end it; its lease then ends by itself",
    )


def pruning(where: str, who: str) -> DepotBusy:
    """The error for a depot that somebody else is pruning."""
    return DepotBusy(
        f"another prune of this depot is under way, by {who}", where, "wait until that prune ends, then: entrepot prune"
    )


class KernelClaim:
    """A lock that the kernel lets go when its process ends, however it ends."""

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    @classmethod
    def take(cls, path: Path, taken: Callable[[str], DepotError]) -> Self:
        """Lock the file, or raise the error made of what its holder wrote there."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(handle, 0)
            os.pwrite(handle, holder().encode(), 0)
        except BlockingIOError as error:
            who = os.pread(handle, 200, 0).decode(errors="replace")
            os.close(handle)
            raise taken(who or "another process") from error
        except BaseException:
            os.close(handle)
            raise
        return cls(handle)

    def keep(self, repository: int, token: int) -> None:
        """Nothing to do: the kernel remembers."""

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)
