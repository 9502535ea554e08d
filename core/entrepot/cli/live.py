"""The moving picture of a sync: a bar for each stage, and below them files, bytes and time."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from entrepot.cli.display import PlainDisplay, done, sampled
from entrepot.cli.figures import amount, counted, duration, size
from entrepot.events import Event, Progress, StageProgress, SyncStarted

_BAR = 28
_STALLED = 10.0


class LiveDisplay(PlainDisplay):
    """Draws on a terminal; lines about what goes wrong scroll above the picture.

    `expected` is how many units the version before had: a guess at how many there will be, until
    the first stage has declared more.
    """

    def __init__(
        self, repository: str, *, expected: int, console: Console, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(repository, clock=clock)
        self._expected = expected
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def hear(self, event: Event) -> None:
        """Begin to draw when the stages begin to run."""
        super().hear(event)
        if isinstance(event, SyncStarted):
            self._live.start()

    def say(self, text: str) -> None:
        """A line above the picture."""
        self._live.console.print(Text(f"{self.repository}: {text}"), soft_wrap=True)

    def tick(self) -> None:
        """Draw what there is now."""
        if self.progress is not None:
            self.pace.note(sampled(self.progress, self.clock()))
            self._live.update(self.picture(self.progress), refresh=True)

    def close(self) -> None:
        """Clear the picture away; the results take its place."""
        self._live.stop()

    def picture(self, progress: Progress) -> Group:
        """Everything that is drawn, of one moment."""
        head = Text.assemble((self.repository, "bold"), f"  {progress.phase}")
        parts: list[Text | Table] = [head, self._bars(list(progress.stages())), self._sums(progress)]
        parts.append(Text(progress.bottleneck(), style="dim"))
        if (stalled := progress.stalled(_STALLED)) is not None:
            parts.append(Text(stalled, style="yellow"))
        return Group(*parts)

    def total(self, stages: list[StageProgress]) -> int:
        """How many units there will be, as far as one can tell."""
        return max(self._expected, stages[0].sent if stages else 0)

    def _bars(self, stages: list[StageProgress]) -> Table:
        table = Table.grid(padding=(0, 2))
        total = self.total(stages)
        for stage in stages:
            through = stage.sent or stage.received
            bar = ProgressBar(total=max(total, 1), completed=min(through, total), width=_BAR)
            waiting = f"{amount(stage.waiting)} waiting" if stage.waiting else ""
            counts = f"{amount(stage.received)} in, {amount(stage.sent)} out"
            table.add_row(Text(f"  {stage.stage}"), bar, Text(counts), Text(waiting, style="dim"))
        return table

    def _sums(self, progress: Progress) -> Text:
        rate, total = self.pace.rate(), self.total(list(progress.stages()))
        left = self.pace.time_left(total)
        sums = [
            counted(progress.downloaded, "file", "files"),
            size(progress.downloaded_bytes),
            f"{size(rate.octets)}/s",
            f"{amount(rate.units)} units/s",
            f"{amount(done(progress))} of {amount(total)} units",
            f"{duration(left)} left" if left is not None else "",
        ]
        return Text("  " + "  ".join(part for part in sums if part))
