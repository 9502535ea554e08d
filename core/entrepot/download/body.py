"""Bringing a large body in: reading goes on while a thread hashes and writes what came before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import aiohttp
import attrs

from entrepot.download.errors import TooLarge, Truncated
from entrepot.download.wire_errors import FOREIGN, translate
from entrepot.errors import SizeMismatch

if TYPE_CHECKING:
    from entrepot.download.protocol import Lane
    from entrepot.download.throughput import Transfer, Watch
    from entrepot.model.incoming import Incoming

#: A hop to a thread and back costs as much as hashing this many bytes several times over.
BLOCK: Final = 512 * 1024
_INLINE: Final = 64 * 1024
_LARGE_PIECE: Final = 32 * 1024


@attrs.frozen(kw_only=True)
class Bound:
    """How large a body may become: exactly its declared size, or at most a limit."""

    url: str
    size: int | None
    limit: int | None

    @property
    def most(self) -> float:
        """More bytes than this are an error."""
        if self.size is not None:
            return self.size
        return float("inf") if self.limit is None else self.limit

    def exceeded(self, count: int) -> SizeMismatch | TooLarge:
        """Make the error for so many bytes."""
        if self.size is not None:
            return SizeMismatch(self.size, count, at_least=True)
        return TooLarge(
            f"the body is larger than {self.limit} bytes, and its size was not declared",
            self.url,
            remedy="see what the URL is; if it is right, raise largest_metadata for this repository",
        )


class BodyPump:
    """Moves bodies from connections to where they are kept, at most three blocks of each in memory."""

    def __init__(self, lane: Lane, watch: Watch) -> None:
        self._lane, self._watch = lane, watch

    async def pour(self, content: aiohttp.StreamReader, incoming: Incoming, transfer: Transfer, bound: Bound) -> None:
        """Write all that comes, after what `incoming` has, and stop at the first byte too many.

        However it ends, no thread writes to `incoming` afterwards.
        """
        total, block, held = incoming.written, [], 0
        writer = _Writer(self._lane, incoming)
        try:
            while data := await _next(content, bound.url):
                total += len(data)
                if total > bound.most:
                    raise bound.exceeded(total)
                await self.account(len(data), transfer)
                block.append(data)
                held += len(data)
                if held >= BLOCK:
                    await self._hand_over(writer, block, transfer)
                    block, held = [], 0
            await writer.settled()
            if held > _INLINE:
                await self._hand_over(writer, block, transfer)
                await writer.settled()
            elif block:
                _write(incoming, block)
        except Truncated:
            await writer.settled()
            if block:
                _write(incoming, block)  # so that the next try can ask for the rest alone
            raise
        finally:
            await writer.end()

    async def account(self, count: int, transfer: Transfer) -> None:
        """Count bytes that came in, and wait as long as the remote's bytes a second demand."""
        self._lane.traffic.bytes += count
        if self._lane.charges:
            self._watch.hold(transfer)
            await self._lane.pay(count)
            self._watch.release(transfer)

    async def _hand_over(self, writer: _Writer, block: list[bytes], transfer: Transfer) -> None:
        if writer.is_busy:
            self._watch.hold(transfer)
            await writer.settled()
            self._watch.release(transfer)
        writer.begin(block)


class _Writer:
    """One block on its way through a thread."""

    def __init__(self, lane: Lane, incoming: Incoming) -> None:
        self._lane, self._incoming = lane, incoming
        self._job: asyncio.Future[None] | None = None

    @property
    def is_busy(self) -> bool:
        return self._job is not None and not self._job.done()

    def begin(self, block: list[bytes]) -> None:
        if self._job is not None:
            self._job.result()
        loop = asyncio.get_running_loop()
        self._job = loop.run_in_executor(self._lane.threads, _write, self._incoming, block)

    async def settled(self) -> None:
        """Wait for the block, and raise what writing it raised; a cancellation does not reach the thread."""
        if self._job is not None:
            if not self._job.done():
                await asyncio.wait((self._job,))
            self._job.result()

    async def end(self) -> None:
        """Wait until no thread writes, however often one is cancelled meanwhile."""
        cancelled = False
        while self._job is not None and not self._job.done():
            try:
                await asyncio.wait((self._job,))
            except asyncio.CancelledError:
                cancelled = True
        if self._job is not None:
            self._job.exception()
        if cancelled:
            raise asyncio.CancelledError


def _write(incoming: Incoming, block: list[bytes]) -> None:
    """Write large pieces as they are, for joining would copy them; many small ones as one."""
    pieces = block if sum(map(len, block)) >= len(block) * _LARGE_PIECE else [b"".join(block)]
    for piece in pieces:
        incoming.write(piece)


async def _next(content: aiohttp.StreamReader, url: str) -> bytes:
    try:
        return await content.readany()
    except FOREIGN as error:
        raise translate(error, url) from None
