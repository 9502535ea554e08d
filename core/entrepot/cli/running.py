"""Running what is asynchronous, and ending it cleanly when somebody asks for the end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from entrepot.cli.closing import closed_in_time
from entrepot.cli.collecting import leave_out_what_stays
from entrepot.errors import Interrupted
from entrepot.possessions import note_transport

if TYPE_CHECKING:
    from entrepot.cli.loop_watch import LoopWatch

T = TypeVar("T")

_ENDS = (signal.SIGINT, signal.SIGTERM)

_SHOW_CURSOR = b"\x1b[?25h"

#: Seconds from a signal to the end of the process, whatever does not want to stop.
LONGEST_DRAIN = 10.0


def run(work: Coroutine[Any, Any, T], watch: LoopWatch | None = None, limit: Limit | None = None) -> T:
    """Run to the end; SIGINT or SIGTERM cancels, waits for the clean stop, and raises `Interrupted`.

    What has not stopped after `LONGEST_DRAIN` seconds, because a plugin swallows the cancellation
    or blocks, ends with the process, which then says so. Tasks and threads that go on when the work
    is done are left behind. A `watch` ends a process whose loop is held. With a `limit` of the
    caller's, a signal bounds also what the caller does afterwards, such as closing a depot.
    """
    with nullcontext(limit) if limit is not None else bounded_end() as bound:
        runner = new_runner()
        loop = runner.get_loop()
        with closed_in_time(runner), watch.over(loop) if watch is not None else nullcontext():
            return runner.run(_cancelled_by_signals(work, bound))


class Limit:
    """Ends the process a while after it was asked to stop, unless it is called off before.

    Its thread waits from the start: a signal's handler must not begin one, for it may interrupt
    just the code that holds the interpreter's list of threads.
    """

    def __init__(self, seconds: float = LONGEST_DRAIN) -> None:
        self._seconds = seconds
        self._asked, self._over = threading.Event(), threading.Event()
        threading.Thread(target=self._watch, name="entrepot-drain", daemon=True).start()

    def begin(self) -> None:
        """Count from here; counting once is enough."""
        self._asked.set()

    def call_off(self) -> None:
        """Everything has stopped."""
        self._over.set()
        self._asked.set()

    def _watch(self) -> None:
        self._asked.wait()
        if not self._over.wait(self._seconds):
            _say(b"error: something did not stop in time, and was ended on the spot\n")
            _leave()


@contextmanager
def bounded_end(seconds: float = LONGEST_DRAIN) -> Iterator[Limit]:
    """Give the block a limit that a signal begins; it holds until the block is left."""
    limit = Limit(seconds)
    try:
        yield limit
    finally:
        limit.call_off()


async def _cancelled_by_signals(work: Coroutine[Any, Any, T], limit: Limit) -> T:
    task = asyncio.ensure_future(work)
    with ended_by_signals(task.cancel, limit) as asked:
        try:
            return await task
        except asyncio.CancelledError:
            if not asked:
                raise
            raise _interrupted() from None


def end_if_asked() -> None:
    """Raise `Interrupted` when the running task was asked to end, and an error came in between.

    Whoever catches errors and goes on to the next thing would otherwise swallow the request.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise _interrupted()


def _interrupted() -> Interrupted:
    return Interrupted(
        "interrupted; everything that was running has stopped cleanly",
        remedy="run the same command again: it goes on from here",
    )


@contextmanager
def ended_by_signals(stop: Callable[[], object], limit: Limit | None = None) -> Iterator[list[int]]:
    """Call `stop` on the running loop at the first signal; the second ends the process on the spot.

    So does the `limit`, which the first signal begins.

    Yields the list of signals received. The handlers are Python's own: unlike the loop's they also
    run while a plugin blocks the loop, so that the second signal always works.
    """
    loop, asked = asyncio.get_running_loop(), list[int]()

    def receive(number: int, _: FrameType | None) -> None:
        asked.append(number)
        if len(asked) > 1:
            _leave()
        if limit is not None:
            limit.begin()
        _say(b"\nstopping; once more ends it on the spot\n")
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


def _leave() -> NoReturn:
    if sys.stderr.isatty():
        _say(_SHOW_CURSOR)
    os._exit(Interrupted.exit_code)


def _say(text: bytes) -> None:
    """Write past Python's own buffers; that nobody listens any more must not keep us from stopping."""
    with suppress(OSError):
        os.write(2, text)


def new_runner() -> asyncio.Runner:
    """Make a loop: uvloop's where the extra `speed` is installed."""
    leave_out_what_stays()
    try:
        import uvloop  # noqa: PLC0415  # an extra, and needed only by what runs a loop
    except ImportError:
        return asyncio.Runner()

    class Loop(uvloop.Loop):
        """Notes for whom a connection is made: its sockets are made in C, where nobody else sees it."""

        async def create_connection(self, *given: Any, **named: Any) -> tuple[Any, Any]:
            transport, protocol = await super().create_connection(*given, **named)
            note_transport(transport)  # type: ignore[arg-type]  # uvloop's stubs name the two the other way round
            return transport, protocol

    return asyncio.Runner(loop_factory=Loop)
