"""A job run by a command: its lines passed on whole, its end awaited, its cancellation a signal."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from entrepot.errors import ConfigurationError

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from entrepot.model.job import JobOutput

#: Seconds that a cancelled command has: less than the whole program has after a signal.
PATIENCE: Final = 8.0
#: Seconds that pipes may stay open when the command has ended: something it left behind holds them.
_LINGER: Final = 2.0
#: Seconds between looks: some versions of Python wake nobody before all pipes are closed.
_LOOK: Final = 0.25
_READ: Final = 65_536
#: Bytes of one line; the report of a version with many failures is far shorter.
LONGEST_LINE: Final = 8 * 1024 * 1024


async def run_command(command: Sequence[str], output: JobOutput, *, patience: float = PATIENCE) -> int:
    """Run a command that runs a job, and return its exit code; negative for the signal that killed it.

    It gets no stdin and a session of its own, so that a key pressed in the terminal is not a second
    signal to it. Who cancels sends it, and all that it started, SIGTERM, hears it to its end, and
    kills what is left after `patience` seconds. A command that cannot be started is a
    `ConfigurationError`.
    """
    process = await _started(command)
    reading = asyncio.ensure_future(_heard(process, output))
    try:
        return await _ended(process, reading)
    except BaseException:
        await _stopped(process, reading, patience)
        raise
    finally:
        process._transport.close()  # type: ignore[attr-defined]  # else pipes that others hold stay open here
        reading.cancel()
        await asyncio.wait({reading})
        _ = reading.cancelled() or reading.exception()  # told already, or nobody hears it any more


async def _started(command: Sequence[str]) -> Process:
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=nothing, stdout=pipe, stderr=pipe, start_new_session=True
        )
    except (OSError, ValueError, TypeError) as error:
        name = command[0] if command else ""
        raise ConfigurationError(
            f"{name!r} cannot be started: {error}",
            where="the command that runs a sync",
            remedy=f"correct the command in the executor's options, or install it: command -v {name}",
        ) from error


async def _ended(process: Process, reading: asyncio.Future[None]) -> int:
    waiting = asyncio.ensure_future(process.wait())
    try:
        while process.returncode is None:
            await asyncio.wait({waiting}, timeout=_LOOK)
            if reading.done():
                reading.result()
    finally:
        waiting.cancel()
    await asyncio.wait({reading}, timeout=_LINGER)
    if reading.done():
        reading.result()
    return process.returncode


async def _stopped(process: Process, reading: asyncio.Future[None], patience: float) -> None:
    over = asyncio.ensure_future(_over(process, reading))
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, _LINGER)):
        _signal_all(process, number)
        if (await asyncio.wait({over}, timeout=seconds))[0]:
            return
    over.cancel()


async def _over(process: Process, reading: asyncio.Future[None]) -> None:
    """What a shell started may go on when the shell has ended: it holds the pipes."""
    await asyncio.wait({reading})
    await process.wait()


def _signal_all(process: Process, number: signal.Signals) -> None:
    """Reach also what the command started, which a shell does not tell."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


async def _heard(process: Process, output: JobOutput) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_lines(process.stdout, output.line))
        group.create_task(_lines(process.stderr, output.note))


async def _lines(stream: asyncio.StreamReader | None, tell: Callable[[str], None]) -> None:
    """Tell lines one by one; of one that is too long, the beginning."""
    held = bytearray()
    while stream is not None and (piece := await stream.read(_READ)):
        first, *more = piece.split(b"\n")
        held += first[: LONGEST_LINE - len(held)]
        for start in more:
            tell(held.decode(errors="replace"))
            held = bytearray(start)
    if held:
        tell(held.decode(errors="replace"))
