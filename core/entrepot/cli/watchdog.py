"""A thread that ends the process when what it watches does nothing for too long."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from entrepot.errors import EntrepotError

#: Looks per limit, and the longest time between two.
_LOOKS: Final = 10
_LONGEST_PAUSE: Final = 1.0

#: Whoever stands still in one of these is looked at by a person.
_DEBUGGERS: Final = frozenset({"bdb", "pdb", "ipdb", "debugpy", "pydevd", "_pydevd_bundle", "_pydevd_frame_eval"})
_DEBUGGER_TOOL: Final = 0


class Watchdog:
    """Barks once when nobody feeds it for `limit` seconds; `bark` gets what the watched thread runs.

    Time counts by its own looks: while the process is stopped or the machine sleeps none passes,
    and none under a debugger. It needs the interpreter's lock to look: code in C that never
    lets go of that is not caught.
    """

    def __init__(
        self, limit: float, bark: Callable[[FrameType], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit, self._bark, self._clock = limit, bark, clock
        self._pause = min(limit / _LOOKS, _LONGEST_PAUSE)
        self._watched = threading.get_ident()
        self._fed = 0
        self._over = threading.Event()
        threading.Thread(target=self._watch, name="entrepot-watchdog", daemon=True).start()

    def feed(self) -> None:
        """Say that something moves."""
        self._fed += 1

    def feed_by(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the loop feed it at each of its looks, from within the loop's thread."""
        self.feed()
        if not self._over.is_set():
            loop.call_later(self._pause, self.feed_by, loop)

    def close(self) -> None:
        """Watch no longer."""
        self._over.set()

    def _watch(self) -> None:
        fed, hungry, looked = self._fed, 0.0, self._clock()
        while not self._over.wait(self._pause):
            now = self._clock()
            hungry += min(now - looked, 2 * self._pause)
            looked = now
            frame = sys._current_frames().get(self._watched)
            if self._fed != fed or frame is None or _is_debugged(frame):
                fed, hungry = self._fed, 0.0
            elif hungry >= self._limit:
                hungry = 0.0
                self._bark(frame)


@contextmanager
def watched(limit: float, bark: Callable[[FrameType], None]) -> Iterator[Watchdog | None]:
    """Watch the thread that enters the block until it is left; with a limit of 0 nobody watches."""
    if limit <= 0:
        yield None
        return
    watchdog = Watchdog(limit, bark)
    try:
        yield watchdog
    finally:
        watchdog.close()


def _is_debugged(frame: FrameType | None) -> bool:
    """Whether a person looks at the process: Python's own debugger, one of an editor, or the system's."""
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is not None and monitoring.get_tool(_DEBUGGER_TOOL) is not None:
        return True
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in _DEBUGGERS:
            return True
        frame = frame.f_back
    return _is_traced()


def _is_traced(status: Path = Path("/proc/self/status")) -> bool:
    try:
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in lines)


def say(error: EntrepotError) -> None:
    """Tell an error on stderr, past the buffers that the watched thread may hold."""
    text = f"error: {error}\n"
    with suppress(OSError):
        os.write(2, "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text).encode())


def end_process(error: EntrepotError) -> NoReturn:
    """Tell an error and end the process on the spot, which is as safe as being killed."""
    say(error)
    os._exit(error.exit_code)
