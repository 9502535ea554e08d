"""What is said when a worker ends without saying what became of its sync."""

from __future__ import annotations

import signal
from typing import Final

from entrepot.errors import EntrepotError

#: What `entrepot sync` ends with; all else was done to it, or was not entrepot.
CODES: Final = frozenset({0, 1, 2, 3, 4, 5, 130})
_SHELL_SIGNALS: Final = 128


class WorkerLost(EntrepotError):
    """A worker ended before it said what became of the sync it was given."""

    def __init__(self, repository: str, code: int, *, executor: str) -> None:
        super().__init__(
            f"the worker that synced {repository!r} {_ended(code)}",
            where=f"executor {executor!r}",
            remedy=f"look at what it wrote before, then run again: entrepot sync {repository}",
        )
        self.repository, self.ended_with = repository, code


def _ended(code: int) -> str:
    number = -code if code < 0 else code - _SHELL_SIGNALS
    if code not in CODES and number in {each.value for each in signal.Signals}:
        return f"was ended by {signal.Signals(number).name}"
    return f"ended with exit code {code} and did not say what became of it"
