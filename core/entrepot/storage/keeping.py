"""The process that keeps small bodies for another one.

It is begun as `python -m entrepot.storage.keeping ROOT SYNC IDLE PARENT`; IDLE is in seconds.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path

from entrepot.storage.disk import Disk
from entrepot.storage.filesystem import FilesystemStorage


class HeededDisk(Disk):
    """Makes no more files once nobody is there who wants them."""

    def __init__(self, parent: int) -> None:
        self._parent = parent

    def create(self, path: str) -> int:
        if os.getppid() != self._parent:
            os._exit(0)
        return super().create(path)


def main() -> None:
    """Keep round after round, until the other end is closed, or asks for nothing for a while.

    Who is told to stop is the process that asks: what it wants to end well with is kept for it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    root, sync, idle, parent = sys.argv[1:]
    storage = FilesystemStorage(Path(root), disk=HeededDisk(int(parent)), sync="each" if sync == "each" else "auto")
    inbox, outbox = sys.stdin.buffer, sys.stdout.buffer
    with suppress(EOFError, BrokenPipeError):
        while select.select([inbox], [], [], float(idle))[0]:
            bodies = pickle.load(inbox)  # noqa: S301  # written by our own process
            try:
                answer: dict[bytes, bool] | OSError = storage.keep_verified(bodies)
            except OSError as error:
                answer = error
            pickle.dump(answer, outbox, pickle.HIGHEST_PROTOCOL)
            outbox.flush()
    storage.close()
    os._exit(0)  # nothing is left to end, and somebody waits


if __name__ == "__main__":
    main()
