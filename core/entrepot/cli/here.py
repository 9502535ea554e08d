"""Syncs in this process, with what is shown while they run."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from entrepot.cli.display import Beside, Display, JsonDisplay, PlainDisplay, watch
from entrepot.cli.handing_out import HandingOut
from entrepot.cli.output import Output
from entrepot.cli.relay import nothing_to_retry
from entrepot.cli.running import end_if_asked
from entrepot.depot import Depot
from entrepot.events import Event, Listener
from entrepot.model.job import JobOutput, SyncJob
from entrepot.operations.sync import SyncOutcome

Work: TypeAlias = Callable[..., Awaitable[SyncOutcome | None]]


class Here:
    """Runs one job after the other; `work` syncs a repository by name, `also` hears its events."""

    def __init__(self, handing_out: HandingOut, output: Output, *, work: Work, also: Listener, depot: Depot) -> None:
        self._handing_out, self._output = handing_out, output
        self._work, self._also, self._depot = work, also, depot
        self.shows_progress = False

    async def sync(self, job: SyncJob, _: JobOutput) -> int:
        """Sync a repository and tell what became of it; what went wrong is told, and is an exit code."""
        name, display = job.repository, self._display(job.repository)
        try:
            outcome = await watch(self._work(name=name, listener=_both(self._also, display.hear)), display)
        except Exception as error:
            code = self._handing_out.failed(job, error)
            end_if_asked()
            return code
        return self._told(job, outcome)

    def _told(self, job: SyncJob, outcome: SyncOutcome | None) -> int:
        relay = self._handing_out.relay(job)
        if outcome is None:
            relay.is_over = True
            self._output.line({"event": "nothing-to-retry", "repository": job.repository})
            self._output.say(nothing_to_retry(job.repository))
            return 0
        self._output.line(outcome.to_json())
        relay.ended(outcome.to_json(), outcome.report)
        return outcome.exit_code

    def _display(self, name: str) -> Display:
        if self._output.is_json:
            json_lines = JsonDisplay(self._output, name)
            return Beside(json_lines, PlainDisplay(name)) if self.shows_progress else json_lines
        if not sys.stderr.isatty():
            return PlainDisplay(name)
        from rich.console import Console  # noqa: PLC0415  # bars are for terminals alone

        from entrepot.cli.live import LiveDisplay  # noqa: PLC0415  # it needs rich

        expected = {row.name: row.members for row in self._depot.catalog.reader.repositories()}.get(name, 0)
        return LiveDisplay(name, expected=expected, console=Console(stderr=True))


def _both(first: Listener, second: Listener) -> Listener:
    def hear(event: Event) -> None:
        first(event)
        second(event)

    return hear
