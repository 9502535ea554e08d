"""What a worker says, passed on in whole lines, and what its sync came to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from entrepot.cli.output import Output, note, visible

_KEPT_FAILURES: Final = 100
_ENDS: Final = frozenset({"synced", "nothing-to-retry", "error"})


class Relay:
    """Hears one job. `synced` is the line that its sync ended well with, `report` what failed in it.

    `is_over` says that it was told what became of the sync, well or not.
    """

    def __init__(self, output: Output, repository: str) -> None:
        self._output, self._repository = output, repository
        self.synced: Mapping[str, Any] | None = None
        self.report: Mapping[str, Any] = {}
        self.is_over = False
        self._failures: list[Mapping[str, Any]] = []

    def line(self, text: str) -> None:
        """Pass on an event of this repository; what is none is for people to read."""
        values = _event(text)
        if values is None or values.get("repository") != self._repository:
            if text.strip():
                self.note(text)
            return
        self._output.line(values)
        if values["event"] == "failed" and len(self._failures) < _KEPT_FAILURES:
            self._failures.append(values)
        self.is_over = self.is_over or values["event"] in _ENDS
        if values["event"] == "synced":
            self.ended(values, {"failures": self._failures, "failed": values.get("failed", 0)})
        elif values["event"] == "nothing-to-retry":
            self._output.say(nothing_to_retry(self._repository))

    def note(self, text: str) -> None:
        """Pass on a line for people, with the name of the repository before it."""
        name = f"{self._repository}: "
        note(visible(text if text.startswith(name) else f"{name}{text}"))

    def ended(self, synced: Mapping[str, Any], report: Mapping[str, Any]) -> None:
        """Keep what a sync that ended well came to."""
        self.synced, self.report, self.is_over = synced, report, True


def nothing_to_retry(name: str) -> str:
    """The line for people when the latest sync gave up on nothing."""
    return f"{name}: nothing to retry: its latest sync gave up on no unit; sync it: entrepot sync {name}"


def _event(text: str) -> dict[str, Any] | None:
    try:
        values = json.loads(text)
    except ValueError:
        return None
    return values if isinstance(values, dict) and isinstance(values.get("event"), str) else None
