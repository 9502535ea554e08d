"""How a worker ended, in words."""

from __future__ import annotations

import signal

import pytest

from entrepot.executors.errors import CODES, WorkerLost


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (-signal.SIGKILL, "was ended by SIGKILL"),
        (128 + signal.SIGKILL, "was ended by SIGKILL"),  # as a shell tells it
        (-signal.SIGSEGV, "was ended by SIGSEGV"),
        (0, "ended with exit code 0"),
        (130, "ended with exit code 130"),  # ours, though a shell tells SIGINT so
        (77, "ended with exit code 77"),
        (255, "ended with exit code 255"),
    ],
)
def test_a_signal_is_named_and_a_code_is_told(code: int, said: str) -> None:
    """Whoever reads that a worker was killed need not know numbers; codes of our own are never signals."""
    error = WorkerLost("debian", code, executor="processes")

    assert f"the worker that synced 'debian' {said}" in str(error)
    assert "executor 'processes'" in error.where
    assert "entrepot sync debian" in error.remedy
    assert (error.repository, error.ended_with) == ("debian", code)


def test_codes_are_those_that_the_program_ends_with() -> None:
    """As the manual lists them; a worker that ends with another did not tell what became of its sync."""
    assert sorted(CODES) == [0, 1, 2, 3, 4, 5, 130]
