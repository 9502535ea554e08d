"""A job run by a command, where the command misbehaves; what is right is in the contract."""

from __future__ import annotations

import asyncio
import gc
import sys
from pathlib import Path

import pytest

from entrepot.errors import ConfigurationError
from entrepot.executors.command import LONGEST_LINE, run_command
from entrepot.testing.executor_contract import Heard


def python(code: str) -> list[str]:
    """A command that runs a line of Python, started in a moment."""
    return [sys.executable, "-I", "-S", "-c", code]


@pytest.mark.parametrize("command", [["/nowhere/to-be-found"], ["/"], [], ["with\0nul"]], ids=repr)
async def test_a_command_that_cannot_be_started_says_so(command: list[str]) -> None:
    """It is the configuration that is to be corrected."""
    with pytest.raises(ConfigurationError, match="cannot be started"):
        await run_command(command, Heard())


async def test_a_command_that_will_not_stop_is_killed() -> None:
    """Together with what it started."""
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); "
    heard = Heard()
    running = asyncio.ensure_future(run_command(python(stubborn + "time.sleep(600)"), heard, patience=0.1))
    await heard.begun()

    running.cancel()
    done, _ = await asyncio.wait({running}, timeout=60)

    assert done
    assert running.cancelled()


async def test_what_a_command_leaves_behind_is_not_waited_for() -> None:
    """A connection that stays open for the next command would hold the pipes for ever.

    Our ends of them are closed: the collector would complain.
    """
    leaves = "import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(20)'])"
    heard = Heard()

    async with asyncio.timeout(15):
        code = await run_command(python(f"{leaves}; print('done', flush=True)"), heard)

    assert (code, heard.lines) == (0, ["done"])
    await asyncio.sleep(0)
    gc.collect()


async def test_of_a_line_without_an_end_the_beginning_is_kept() -> None:
    """However much a command writes, memory is bounded, and the next line is heard."""
    heard = Heard()

    await run_command(python(f"print('x' * {LONGEST_LINE + 100_000}); print('next')"), heard)

    assert [len(line) for line in heard.lines] == [LONGEST_LINE, len("next")]


async def test_whoever_hears_and_fails_ends_the_command(tmp_path: Path) -> None:
    """Nobody would empty the pipe any more, and the command would wait for ever."""

    class Deaf(Heard):
        def line(self, text: str) -> None:
            raise BrokenPipeError(text)

    with pytest.raises(ExceptionGroup) as told:
        await run_command(python("import time; print('one', flush=True); time.sleep(600)"), Deaf(), patience=0.1)

    assert told.group_contains(BrokenPipeError)
