"""What code opens on behalf of one stage, noted where it is opened."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import attrs


@attrs.define(eq=False)
class Possessions:
    """Sockets that were opened for one stage, as long as anybody holds them."""

    sockets: weakref.WeakSet[Any] = attrs.field(factory=weakref.WeakSet)


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
