"""Several jobs, as many at one time as there is room for."""

from __future__ import annotations

import asyncio

import pytest

from entrepot.executors.running import run_all
from entrepot.model.job import SyncJob

JOBS = [SyncJob(repository=name) for name in "abcdef"]


@pytest.mark.parametrize("at_once", [1, 2, 3, 6, 9])
async def test_jobs_begin_in_their_order_and_never_more_than_there_is_room_for(at_once: int) -> None:
    """And never fewer, while there are any."""
    begun, running, most = list[str](), 0, 0

    async def run(job: SyncJob) -> None:
        nonlocal running, most
        begun.append(job.repository)
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await run_all(JOBS, run, at_once=at_once)

    assert begun == [*"abcdef"]
    assert most == min(at_once, len(JOBS))


@pytest.mark.parametrize("at_once", [1, 2])
async def test_who_cancels_waits_for_all_that_runs(at_once: int) -> None:
    """And what has not begun does not begin."""
    begun, ended, all_begun = list[str](), list[str](), asyncio.Event()

    async def run(job: SyncJob) -> None:
        begun.append(job.repository)
        if len(begun) == at_once:
            all_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(job.repository)

    running = asyncio.ensure_future(run_all(JOBS, run, at_once=at_once))
    await all_begun.wait()
    running.cancel()
    await asyncio.wait({running})

    assert running.cancelled()
    assert sorted(ended) == begun == [*"abcdef"[:at_once]]
