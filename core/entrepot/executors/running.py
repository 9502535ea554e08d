"""Several jobs, as many at one time as whoever runs them takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrepot.model.job import SyncJob


async def run_all(jobs: Iterable[SyncJob], run: Callable[[SyncJob], Awaitable[None]], *, at_once: int) -> None:
    """Begin jobs in their order, each as soon as there is room for it.

    The first error, and a cancellation, cancel what runs and wait for its end.
    """
    waiting = iter(jobs)
    if at_once == 1:
        await _take(waiting, run)
        return
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            if (job := next(waiting, None)) is None:
                return
            group.create_task(_take(waiting, run, job))


async def _take(
    waiting: Iterator[SyncJob], run: Callable[[SyncJob], Awaitable[None]], first: SyncJob | None = None
) -> None:
    if first is not None:
        await run(first)
    for job in waiting:
        await run(job)
