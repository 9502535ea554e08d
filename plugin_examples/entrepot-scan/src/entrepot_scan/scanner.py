"""Runs the scanner, with no shell, in a group of its own, with a limit to its time and its words."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Literal, NamedTuple

from entrepot.plugin import EntrepotError
from entrepot_scan.options import MANY, ONE, ScanOptions

#: Bytes of a scanner's output that are read, and characters that are told.
_HEARD, _TOLD = 64 * 1024, 300

#: Seconds to wait for the last words of a command that has ended.
_PATIENCE = 1.0


class Finding(NamedTuple):
    """What the scanner ended with; its words are printable and short."""

    verdict: Literal["clean", "infected", "unclear"]
    status: int = 0
    words: str = ""

    def __str__(self) -> str:
        return f"the scanner ended with {self.status} and said {self.words!r}"


CLEAN = Finding("clean")


class ScanFailed(EntrepotError):
    """The scanner gave no verdict, so the file is not taken."""


class Scanner:
    """Runs one command, at most `parallel` at a time."""

    def __init__(self, options: ScanOptions) -> None:
        self._options = options
        self._room = asyncio.Semaphore(options.parallel)
        self.batch = options.batch if MANY in options.command else 1

    async def scan(self, paths: Sequence[Path]) -> Finding:
        """Give one verdict on some files together; `ScanFailed` when it does not end, or begin.

        Whatever ends the call, a time limit or a cancellation, ends the command and what it started.
        """
        async with self._room, _listening() as (words, output):
            process = await self._start(paths, output)
            try:
                async with asyncio.timeout(self._options.timeout.total_seconds()):
                    status = await process.wait()
                with suppress(TimeoutError):
                    # Something that the command left running may hold its output open.
                    await asyncio.wait_for(words.ended.wait(), _PATIENCE)
            except TimeoutError:
                raise self._failed(f"did not end within {self._options.timeout}") from None
            finally:
                await _end(process)
        return self._finding(status, _printable(words.heard, paths))

    async def _start(self, paths: Sequence[Path], output: IO[bytes]) -> asyncio.subprocess.Process:
        # A path that is absolute cannot be taken for an option, whatever an upstream named the file.
        files = [str(path.absolute()) for path in paths]
        command: list[str] = []
        for word in self._options.command:
            command += files if word == MANY else [word.replace(ONE, files[0])]
        is_read = command == list(self._options.command)
        with output, open(files[0] if is_read else os.devnull, "rb") as body:  # noqa: ASYNC230  # no more than an open
            try:
                return await asyncio.create_subprocess_exec(
                    *command, stdin=body, stdout=output, stderr=output, start_new_session=True
                )
            except OSError as error:
                raise self._failed(f"cannot be started: {error.strerror}") from error

    def _finding(self, status: int, words: str) -> Finding:
        if status == 0:
            return CLEAN
        return Finding("infected" if status in self._options.infected else "unclear", status, words)

    def _failed(self, how: str) -> ScanFailed:
        return ScanFailed(f"the scanner {self._options.command[0]!r} {how}", remedy="run it by hand on any file")


class _Words(asyncio.Protocol):
    """What a command prints: all of it is taken, so that it is never held up, and the beginning kept."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.heard += data[: _HEARD - len(self.heard)]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (asyncio calls it that)
        self.ended.set()


@asynccontextmanager
async def _listening() -> AsyncIterator[tuple[_Words, IO[bytes]]]:
    """Yield where words arrive, and the end of the pipe that the command gets.

    A pipe of asyncio's own would have `wait` wait for whoever else holds it.
    """
    reading, writing = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
    with writing:
        words = _Words()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: words, reading)
        try:
            yield words, writing
        finally:
            transport.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a command that still runs, with all of its group, and leave no zombie."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.shield(process.wait())


def _printable(heard: bytearray, paths: Sequence[Path]) -> str:
    words = heard.decode(errors="replace")
    for path in paths:
        words = words.replace(str(path.absolute()), "file")
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in words).split())
    return words[:_TOLD]
