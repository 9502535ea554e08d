"""A body that is coming in, readable from its start while it comes."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, BinaryIO

from entrepot.storage.faults import fault

if TYPE_CHECKING:
    from entrepot.model.artifact import Artifact
    from entrepot.model.incoming import Incoming, Received, Receiver


class Spool:
    """Takes what a download writes, for a storage and for those who read along.

    It is the `Receiver` of one download. Whenever a body begins anew, after a failed try for
    instance, `generation` goes up before anything is overwritten: who read bytes of an older one
    has bytes that nobody will vouch for. Written to from any thread, read in the event loop.
    """

    def __init__(self, receiver: Receiver, file: BinaryIO, *, place: str) -> None:
        self.file = file
        self._place = place
        self.generation = 0
        self.written = 0
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._holders = 1

    def receive(self, expected: Artifact) -> Incoming:
        """Begin to take a body; an earlier one is forgotten."""
        self.begin_anew()
        return _Teed(self._receiver.receive(expected), self)

    def begin_anew(self) -> None:
        """Forget what came in so far."""
        self.generation += 1
        self.written = 0
        self.tell()

    def take(self, data: bytes | memoryview) -> None:
        """Append to what readers see."""
        left = memoryview(data)
        try:
            while left:  # a disk that fills up takes a part first, and fails at the next
                taken = os.pwrite(self.file.fileno(), left, self.written)
                left = left[taken:]
                self.written += taken
        except OSError as error:
            raise fault(error, self._place) from error
        self.tell()

    def tell(self) -> None:
        """Wake those who wait for news; may be called from any thread."""
        self._loop.call_soon_threadsafe(self._wake)

    async def news(self) -> None:
        """Wait until something has changed."""
        await self._changed.wait()

    async def read(self, start: int, count: int) -> bytes:
        """Read bytes that are there."""
        return await asyncio.to_thread(os.pread, self.file.fileno(), count, start)

    def hold(self) -> None:
        """Keep the file open for one more reader."""
        self._holders += 1

    def release(self) -> None:
        """Let go; the last one closes the file."""
        self._holders -= 1
        if not self._holders:
            self.file.close()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class _Teed:
    """The storage's own `Incoming`, whose bytes readers see too."""

    def __init__(self, incoming: Incoming, spool: Spool) -> None:
        self._incoming = incoming
        self._spool = spool

    @property
    def written(self) -> int:
        return self._incoming.written

    def write(self, data: bytes | memoryview) -> None:
        self._incoming.write(data)
        self._spool.take(data)

    def restart(self) -> None:
        self._incoming.restart()
        self._spool.begin_anew()

    def finish(self) -> Received:
        return self._incoming.finish()

    def discard(self) -> None:
        self._incoming.discard()
