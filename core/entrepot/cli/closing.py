"""Ending what still runs when the work is done, without waiting for ever."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, NoReturn

log = logging.getLogger(__name__)

#: Seconds for tasks that are cancelled once more, then for threads; what is ours ends in a moment.
_TASKS: Final = 2.0
_THREADS: Final = 5.0


@contextmanager
def closed_in_time(runner: asyncio.Runner) -> Iterator[None]:
    """Close a loop after the block; tasks and threads that will not end are left behind."""
    loop = runner.get_loop()
    threads = ThreadPoolExecutor(thread_name_prefix="asyncio")
    loop.set_default_executor(threads)
    try:
        yield
    finally:
        left = _tasks_left(loop)
        ending = threading.Thread(target=threads.shutdown, kwargs={"cancel_futures": True}, daemon=True)
        ending.start()
        ending.join(_THREADS)
        if left or ending.is_alive():
            for task in left:
                log.warning("a task went on though it was cancelled, and is left behind: %s", _called(task))
            loop.close()
        else:
            runner.close()


def _tasks_left(loop: asyncio.AbstractEventLoop) -> set[asyncio.Task[object]]:
    running = asyncio.all_tasks(loop)
    if not running:
        return running
    for task in running:
        task.cancel()
    done, left = loop.run_until_complete(asyncio.wait(running, timeout=_TASKS))
    for task in done:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.debug("a task failed as it was ended: %s", _called(task), exc_info=error)
    return left


def _called(task: asyncio.Task[object]) -> str:
    return str(getattr(task.get_coro(), "__qualname__", task.get_name()))


def leave(code: int) -> NoReturn:
    """End the process as usual; a few seconds later on the spot, where threads of a plugin go on."""
    hanging = [each for each in threading.enumerate() if not each.daemon and each is not threading.current_thread()]
    if hanging:
        sys.stdout.flush()
        threading.Thread(target=_end, args=(code, hanging), daemon=True).start()
    sys.exit(code)


def _end(code: int, hanging: list[threading.Thread]) -> None:
    time.sleep(_THREADS)
    for thread in hanging:
        frame = sys._current_frames().get(thread.ident or 0)
        if frame is not None:
            at = traceback.extract_stack(frame, limit=1)[-1]
            text = f"warning: thread {thread.name!r} goes on in {at.filename}:{at.lineno}, and is left behind\n"
            os.write(2, text.encode(errors="replace"))
    os._exit(code)
