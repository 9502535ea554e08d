"""Running to the end, or until somebody asks for it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from entrepot.cli.running import ended_by_signals, new_runner, run
from entrepot.errors import Interrupted
from source_tree import ROOT

STUBBORN = """
import asyncio, os, signal, time
from entrepot.cli.running import run

async def work():
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    print("went on", flush=True)
    while True:
        time.sleep(1)

run(work())
"""


HELD = """
import asyncio, os, signal, time
from contextlib import contextmanager
from entrepot.cli.running import bounded_end, run

@contextmanager
def depot():
    yield
    print("closing", flush=True)
    while True:
        time.sleep(1)

async def work():
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.Event().wait()

with bounded_end(0.5) as limit, depot():
    try:
        run(work(), limit=limit)
    except Exception:
        pass
"""


@pytest.mark.fault("C03")
@pytest.mark.promise("P23")
def test_what_does_not_close_after_a_signal_is_ended_on_the_spot(tmp_path: Path) -> None:
    """A depot may have to wait for somebody else to close its catalog; the limit holds until it has."""
    script = tmp_path / "held.py"
    script.write_text(HELD)

    environment = {"PYTHONPATH": str(ROOT / "core")}
    done = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == Interrupted.exit_code
    assert done.stdout == "closing\n"
    assert "did not stop in time" in done.stderr


def test_what_was_asked_for_is_returned() -> None:
    """And the handlers are those of before."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    async def work() -> int:
        return 7

    assert run(work()) == 7
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.fault("C03")
@pytest.mark.promise("P23")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(number: signal.Signals, capfd: pytest.CaptureFixture[str]) -> None:
    """What runs is cancelled and waited for; the error has exit code 130."""
    cleaned = []

    async def work() -> None:
        os.kill(os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append("yes")

    with pytest.raises(Interrupted) as caught:
        run(work())

    assert cleaned == ["yes"]
    assert caught.value.exit_code == 130
    assert "once more ends it on the spot" in capfd.readouterr().err


def test_an_error_while_stopping_is_told_instead() -> None:
    """What went wrong is worth more than that somebody asked for the end."""

    async def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("while stopping")

    with pytest.raises(ValueError, match="while stopping"):
        run(work())


@pytest.mark.fault("C03")
def test_a_second_signal_ends_the_process_on_the_spot(tmp_path: Path) -> None:
    """Also while a plugin blocks the loop, where nothing can be cancelled."""
    environment = {"PYTHONPATH": str(ROOT / "core"), "PATH": "/nowhere", "HOME": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", STUBBORN], env=environment, capture_output=True, text=True, check=False, timeout=30
    )

    assert (done.returncode, done.stdout) == (130, "")


def test_a_server_is_asked_to_stop_and_ends_by_itself() -> None:
    """The first signal calls what it was given, on the loop."""

    async def work() -> list[int]:
        stop = asyncio.Event()
        with ended_by_signals(stop.set) as asked:
            os.kill(os.getpid(), signal.SIGTERM)
            await stop.wait()
            return asked

    with new_runner() as runner:
        assert runner.run(work()) == [signal.SIGTERM]
