"""Running what is asynchronous, and ending it cleanly when somebody asks for the end."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from entrepot.errors import Interrupted

T = TypeVar("T")

_ENDS = (signal.SIGINT, signal.SIGTERM)

#: Objects made before the young are looked at, and rounds before the older are. Units on their way
#: are thousands of objects that no round can free: looking at every 700 looks at each many times.
_ROUNDS = (20_000, 20, 50)
_SHOW_CURSOR = b"\x1b[?25h"


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; SIGINT or SIGTERM cancels, waits for the clean stop, and raises `Interrupted`."""
    with new_runner() as runner:
        return runner.run(_cancelled_by_signals(work))


async def _cancelled_by_signals(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    with ended_by_signals(task.cancel) as asked:
        try:
            return await task
        except asyncio.CancelledError:
            if not asked:
                raise
            raise Interrupted(
                "interrupted; everything that was running has stopped cleanly",
                remedy="run the same command again: it goes on from here",
            ) from None


@contextmanager
def ended_by_signals(stop: Callable[[], object]) -> Iterator[list[int]]:
    """Call `stop` on the running loop at the first signal; the second ends the process on the spot.

    Yields the list of signals received. The handlers are Python's own: unlike the loop's they also
    run while a plugin blocks the loop, so that the second signal always works.
    """
    loop, asked = asyncio.get_running_loop(), list[int]()

    def receive(number: int, _: FrameType | None) -> None:
        asked.append(number)
        if len(asked) > 1:
            if sys.stderr.isatty():
                os.write(2, _SHOW_CURSOR)
            os._exit(Interrupted.exit_code)
        os.write(2, b"\nstopping; once more ends it on the spot\n")
        loop.call_soon_threadsafe(stop)

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.signal(number, receive) for number in _ENDS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def new_runner() -> asyncio.Runner:
    """Make a loop: uvloop's where the extra `speed` is installed.

    What was imported so far is taken out of the garbage collector's rounds, and rounds are rarer: a
    sync of many units, which leaves no cycles behind, gave them a third of its processor time.
    """
    gc.freeze()
    gc.set_threshold(*_ROUNDS)
    try:
        import uvloop  # noqa: PLC0415  # an extra, and needed only by what runs a loop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)
