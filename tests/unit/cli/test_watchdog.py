"""The thread that ends a process whose loop is held: when it barks, and when it must not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from entrepot.cli.watchdog import Watchdog, watched
from source_tree import ROOT

#: The loop turns, or stands still where the test says so, under a limit of two seconds.
PROGRAM = """
import asyncio, os, sys, time
from entrepot import builtin
from entrepot.cli.loop_watch import LoopWatch
from entrepot.cli.running import run
from entrepot.hooks.manager import Plugins

async def work():
    print("runs", flush=True)
    {work}
    print("ended", flush=True)

watch = LoopWatch(Plugins.load(builtin=builtin, installed=False), 2.0, ends={ends})
run(work(), watch)
"""


def start(folder: Path, work: str, *, ends: bool = True) -> subprocess.Popen[str]:
    """Start the program, and wait until its loop runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(work=work, ends=ends)],
        env={"PYTHONPATH": str(ROOT / "core"), "PATH": os.environ["PATH"], "HOME": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "runs\n"
    return process


def end(process: subprocess.Popen[str], said: str = "") -> tuple[int, str, str]:
    """Wait for the end."""
    try:
        out, err = process.communicate(said, timeout=60)
    finally:
        process.kill()
    return process.returncode, out, err


@pytest.mark.fault("D09")
def test_a_process_whose_loop_is_held_ends_with_the_line_that_holds_it(tmp_path: Path) -> None:
    """Also where nobody knows whose code it is."""
    code, out, err = end(start(tmp_path, "time.sleep(600)"))

    assert (code, out) == (1, "")
    assert "the event loop has stood still for 2 s, held by no plugin's code; the process was ended" in err
    assert "<string>:10 in work" in err
    assert "loop_timeout" in err


@pytest.mark.sweep
def test_a_server_says_so_and_goes_on(tmp_path: Path) -> None:
    """What holds it may pass, and whom it serves would lose more by its end."""
    code, out, err = end(start(tmp_path, "time.sleep(3)", ends=False))

    assert (code, out) == (0, "ended\n")
    assert "the event loop has stood still for 2 s" in err
    assert "was ended" not in err


@pytest.mark.sweep
def test_a_process_that_was_stopped_is_not_ended_when_it_goes_on(tmp_path: Path) -> None:
    """Seconds in which nothing ran, as while a machine sleeps, are nobody's fault."""
    process = start(tmp_path, "await asyncio.sleep(1)")

    process.send_signal(signal.SIGSTOP)
    time.sleep(4)  # longer than the limit, and the machine's own time
    process.send_signal(signal.SIGCONT)

    assert end(process) == (0, "ended\n", "")


def test_a_jump_of_the_clock_counts_as_two_looks() -> None:
    """However long nothing ran; the looks before and after count as they are."""
    looks: list[float] = []
    barked_after: list[int] = []

    def clock() -> float:
        looks.append(looks[-1] + (86_400 if len(looks) == 3 else 0.1) if looks else 0.0)
        return looks[-1]

    watchdog = Watchdog(1.0, lambda _: barked_after.append(len(looks)), clock=clock)
    wait_until(lambda: bool(barked_after))
    watchdog.close()

    assert barked_after[0] >= 9


@pytest.mark.sweep
def test_whoever_looks_at_it_in_a_debugger_is_left_in_peace(tmp_path: Path) -> None:
    """At a breakpoint the loop stands still for as long as a person thinks."""
    process = start(tmp_path, "breakpoint()")

    time.sleep(4)  # longer than the limit: what is tried is that nothing happens
    code, out, err = end(process, "continue\n")

    assert (code, err) == (0, "")
    assert out.endswith("ended\n")


@pytest.mark.sweep
def test_it_barks_when_nobody_feeds_it_and_not_before() -> None:
    """Once it has barked it is hungry anew."""
    barks: list[str] = []

    def bark(frame: FrameType) -> None:
        barks.append(frame.f_code.co_name)

    with watched(3.0, bark) as watchdog:
        assert watchdog is not None
        until = time.monotonic() + 4
        fed_until(watchdog, lambda: time.monotonic() > until)
        assert barks == []
    with watched(0.2, bark):
        wait_until(lambda: len(barks) >= 2)


def test_without_a_limit_there_is_no_thread() -> None:
    """Zero is for ever."""

    def bark(_: FrameType) -> None:
        raise AssertionError

    with watched(0, bark) as watchdog:
        assert watchdog is None


def fed_until(watchdog: Watchdog, done: Callable[[], bool]) -> None:
    """Feed it all the while."""
    while not done():
        watchdog.feed()
        time.sleep(0.01)


def wait_until(done: Callable[[], bool]) -> None:
    """Wait, in a place that the watchdog can tell."""
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)
