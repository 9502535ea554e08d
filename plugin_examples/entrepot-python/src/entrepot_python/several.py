"""Works on many things, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def each(things: Iterable[T], work: Callable[[T], Awaitable[None]], *, at_a_time: int) -> None:
    """Work on all, in order; one trouble is raised as itself, not in a group."""
    waiting = list(reversed(list(things)))

    async def take() -> None:
        while waiting:
            await work(waiting.pop())

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_a_time, len(waiting))):
                group.create_task(take())
    except ExceptionGroup as several:
        if len(several.exceptions) > 1:
            raise
        raise several.exceptions[0] from None
