"""What code opens on behalf of one stage, noted where it is opened."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

import attrs

_BOTH_WAYS: Final = 2
#: So many closed ones are kept before they are let go.
_MANY: Final = 64


@attrs.define(eq=False)
class Possessions:
    """Connections opened for one stage: sockets that anybody holds, transports of a loop in C."""

    sockets: weakref.WeakSet[Any] = attrs.field(factory=weakref.WeakSet)
    transports: list[asyncio.BaseTransport] = attrs.field(factory=list)

    def still_open(self) -> list[str]:
        """Say of each that is open where it leads: in the same order each time, first those that do."""
        leads = [each.get_extra_info("peername") for each in self.transports if not each.is_closing()]
        for each in list(self.sockets):
            if each.fileno() != -1:
                try:
                    leads.append(each.getpeername())
                except OSError:
                    leads.append(None)
        return sorted((f"an open socket to {where}" if where else "an open socket" for where in leads), reverse=True)

    def end(self) -> None:
        """End what goes over them.

        A socket stays open until nobody holds it: closed behind its owner's back, its number would
        be given to the next one while the loop still watches it for the old.
        """
        for transport in self.transports:
            transport.close()
        for each in list(self.sockets):
            with suppress(OSError):
                each.shutdown(_BOTH_WAYS)


#: For whom the running code works, in the task of each stage and in tasks and threads they start.
FOR: ContextVar[Possessions | None] = ContextVar("FOR", default=None)


@contextmanager
def for_nobody() -> Iterator[None]:
    """Let what is opened in the block belong to no stage: connections that are kept for the next one."""
    token = FOR.set(None)
    try:
        yield
    finally:
        FOR.reset(token)


def note_socket(event: str, arguments: tuple[Any, ...]) -> None:
    """Note a socket for whoever opens it; to be given to `sys.addaudithook`, which keeps it for ever."""
    if event == "socket.__new__" and (owner := FOR.get()) is not None:
        owner.sockets.add(arguments[0])


def note_transport(transport: asyncio.BaseTransport) -> None:
    """Note a connection of a loop that makes its sockets in C, where nobody else sees them made."""
    if (owner := FOR.get()) is not None:
        if len(owner.transports) >= _MANY:
            owner.transports[:] = [each for each in owner.transports if not each.is_closing()]
        owner.transports.append(transport)
