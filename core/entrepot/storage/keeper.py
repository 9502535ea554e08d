"""Many small bodies, kept by another process: no interpreter's lock is waited for between its calls."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Final, cast

from entrepot.failpoints import is_armed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from entrepot.storage.incoming import Arrived

#: Fewer bodies than this are kept in less time than a process takes to begin.
_MANY: Final = 256

#: Fewer than this are kept in less time than one that has begun takes to be asked.
_SOME: Final = 32


class Keeper:
    """Keeps rounds of bodies for one storage, in a process that begins with the first large one.

    Rounds of several threads wait for each other. The process ends when it is not asked for `idle`
    seconds, and begins again with the next large round. One that ends otherwise, killed or short of
    memory, does not: the bytes are still here, and are kept here.
    """

    def __init__(self, root: Path, *, sync: str, idle: float = 60) -> None:
        self._given = (str(root), sync, str(idle))
        self._asking = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_of_use = _may_begin()

    def keep(self, files: Sequence[Arrived]) -> dict[bytes, bool]:
        """Keep them all, each to be told as written or found; none when it is better done here.

        Raises the `OSError` that was met there.
        """
        if len(files) < (_MANY if self._process is None else _SOME) or is_armed():
            return {}
        with self._asking:
            answer = self._ask([(file.sha256, file.content()) for file in files]) if self._is_of_use else None
        if isinstance(answer, OSError):
            raise answer
        return answer or {}

    def close(self) -> None:
        """End the process, once it has ended what it does."""
        with self._asking:
            self._end()

    def _ask(self, bodies: list[tuple[bytes, bytes]]) -> dict[bytes, bool] | OSError | None:
        try:
            inbox, outbox = self._begun()
            pickle.dump(bodies, inbox, pickle.HIGHEST_PROTOCOL)
            inbox.flush()
            answer: dict[bytes, bool] | OSError = pickle.load(outbox)  # noqa: S301  # written by our own process
            return answer
        except Exception:  # whatever became of it, or was said in its place: the bytes are here
            self._is_of_use = False
            self._end()
            return None

    def _begun(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is not None and self._process.poll() == 0:
            self._end()
        if self._process is None:
            program = (sys.executable, "-P", "-m", "entrepot.storage.keeping", *self._given, str(os.getpid()))
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            self._process = subprocess.Popen(program, **pipes)  # noqa: S603  # this interpreter, and words of ours
        return cast("tuple[IO[bytes], IO[bytes]]", (self._process.stdin, self._process.stdout))  # both are pipes

    def _end(self) -> None:
        if self._process is not None:
            with suppress(OSError):
                self._process.communicate()
            self._process = None


def _may_begin() -> bool:
    """Whether there is a processor to spare, and this program is an interpreter that can be begun anew."""
    return (os.cpu_count() or 1) > 1 and os.path.basename(sys.executable or "").startswith("python")
