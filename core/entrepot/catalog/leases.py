"""Leases: who may write a repository's next version.

Taking a lease raises its token. Every write of a run first finds its own token still there, so a
run that slept through a takeover writes nothing.
"""

from __future__ import annotations

import fcntl
import os
import platform
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, Self

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from entrepot.errors import DepotBusy, DepotError, RepositoryBusy

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection, Engine


_SHORTEST_BEAT: Final = 0.05


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


class RowClaim:
    """A thread that renews the lease's row by the database's clock, thrice in its term."""

    def __init__(self, engine: Engine, term: float) -> None:
        self._engine, self._term = engine, term
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def keep(self, repository: int, token: int) -> None:
        self._thread = threading.Thread(target=self._beat, args=(repository, token), name="entrepot-lease", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _beat(self, repository: int, token: int) -> None:
        while not self._ended.wait(max(self._term / 3, _SHORTEST_BEAT)):
            # A server out of reach is not the end: whether the lease outlived it, the token tells.
            try:
                with self._engine.connect() as connection:
                    connection.execute(_BEAT, {"repository": repository, "token": token})
            except DBAPIError:
                continue


class SessionClaim:
    """A lock that a server lets go when the connection that took it ends."""

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection, self._number = connection, number

    @classmethod
    def take(cls, engine: Engine, number: int) -> Self:
        """Take the lock, or raise the error for a depot that is being pruned."""
        connection = engine.connect()
        try:
            if not connection.execute(_LOCK, {"number": number}).scalar_one():
                raise pruning("the catalog", "another process")
        except BaseException:
            connection.close()
            raise
        return cls(connection, number)

    def keep(self, repository: int, token: int) -> None:
        """Nothing to do: the connection keeps it."""

    def close(self) -> None:
        # A server notices a closed connection when it looks: who comes right after would still be refused.
        with suppress(DBAPIError), closing(self._connection):
            self._connection.execute(_UNLOCK, {"number": self._number})


_LOCK = text("SELECT pg_try_advisory_lock(:number)")
_UNLOCK = text("SELECT pg_advisory_unlock(:number)")
_BEAT = text(
    "UPDATE lease SET beat = extract(epoch FROM clock_timestamp())::float8"
    " WHERE repository = :repository AND token = :token AND run IS NOT NULL"
)
