"""Failpoints: off they do nothing, armed they fail where and when they were told."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import timeit
from pathlib import Path

import pytest

from entrepot.errors import ConfigurationError, UnknownName
from entrepot.failpoints import ACTIONS, FAILPOINTS, VARIABLE, Order, arm, armed_by, failpoint, parse


def test_off_it_does_nothing_and_costs_next_to_nothing() -> None:
    """A look at one variable: far below what any step on a disk takes."""
    seconds = min(timeit.repeat(lambda: failpoint("storage.link"), number=10_000, repeat=5)) / 10_000

    assert seconds < 5e-6


@pytest.mark.parametrize(("action", "code"), [("raise", errno.EIO), ("disk-full", errno.ENOSPC)])
def test_the_nth_hit_fails_and_no_other(action: str, code: int) -> None:
    """Hits before and after the ordered one pass; each is counted."""
    with arm(f"storage.link={action}@2") as armed:
        failpoint("storage.link")
        failpoint("storage.unlink")
        with pytest.raises(OSError, match=r"storage\.link") as raised:
            failpoint("storage.link")
        failpoint("storage.link")

    assert raised.value.errno == code
    assert armed.hits == {"storage.link": 3, "storage.unlink": 1}
    assert [str(order) for order in armed.fired] == [f"storage.link={action}@2"]


def test_after_the_block_nothing_is_armed() -> None:
    """Also when the block ends by the failure itself."""
    with pytest.raises(OSError, match=r"storage\.sync"), arm(Order("storage.sync", "raise")):
        failpoint("storage.sync")

    failpoint("storage.sync")


def test_kill_ends_the_process_at_once() -> None:
    """Nothing is flushed, nothing cleaned up, as with `kill -9`."""
    program = (
        "import entrepot.failpoints as f\nwith f.arm('catalog.commit=kill'):\n"
        "    try:\n        f.failpoint('catalog.commit')\n    finally:\n        print('cleaned up', flush=True)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")


def test_the_variable_arms_several() -> None:
    """Parts are separated by semicolons; without a number, the first hit is meant."""
    text = "storage.link=kill@3; catalog.commit=disk-full ;"

    assert parse(text) == [Order("storage.link", "kill", 3), Order("catalog.commit", "disk-full", 1)]
    with armed_by({VARIABLE: text}), pytest.raises(OSError, match=r"catalog\.commit"):
        failpoint("catalog.commit")


@pytest.mark.parametrize("environ", [{}, {VARIABLE: ""}, {VARIABLE: "  "}])
def test_without_the_variable_nothing_is_armed(environ: dict[str, str]) -> None:
    """Nobody pays for what nobody asked for."""
    with armed_by(environ):
        for name in FAILPOINTS:
            failpoint(name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("storage.lnk=kill@3", "storage.link"),
        ("storage.link=kil@3", "kill"),
        ("storage.link", VARIABLE),
        ("storage.link=kill@0", VARIABLE),
        ("storage.link=kill@x", VARIABLE),
        ("=kill@1", VARIABLE),
    ],
)
def test_what_is_misspelt_is_refused(text: str, told: str) -> None:
    """A sweep that arms nothing would find nothing: it says what was probably meant, and where."""
    with pytest.raises(ConfigurationError) as raised, armed_by({VARIABLE: text}):
        pass

    error = raised.value
    assert error.exit_code == 2
    assert told in str(error)
    assert VARIABLE in error.where
    assert error.remedy


def test_a_misspelt_order_of_a_test_is_refused_too() -> None:
    """`arm` is as strict as the variable, with text and without."""
    with pytest.raises(UnknownName), arm("storage.lnk=raise"):
        pass
    with pytest.raises(UnknownName), arm(Order("storage.lnk", "raise")):
        pass


@pytest.mark.parametrize("name", FAILPOINTS)
def test_each_says_what_is_durable_before_and_after(name: str) -> None:
    """The list is read by people who decide what a crash there may leave."""
    told = FAILPOINTS[name]

    assert "before" in told
    assert "after" in told
    assert "\n" not in told
    assert Path(name).name == name


def test_there_are_three_ways_to_fail() -> None:
    """As promised to whoever sets the variable."""
    assert set(ACTIONS) == {"raise", "disk-full", "kill"}
