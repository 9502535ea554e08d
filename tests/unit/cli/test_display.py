"""What is said while a sync runs."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Sequence

import attrs
import pytest
from rich.console import Console

from entrepot.cli.display import Display, JsonDisplay, PlainDisplay, watch
from entrepot.cli.invocation import Invocation
from entrepot.cli.live import LiveDisplay
from entrepot.cli.output import Output
from entrepot.events import Retrying, StageProgress, SyncStarted, UnitFailed


@attrs.define
class Running:
    """A sync at a moment that the test decides."""

    phase: str = "stages"
    downloaded: int = 0
    downloaded_bytes: int = 0
    counts: Sequence[int] = (0, 0)
    stuck: str | None = None

    def stages(self) -> list[StageProgress]:
        first, last = self.counts
        return [StageProgress("FirmwareList", 0, first, 0), StageProgress("EndStage", last, 0, first - last)]

    def bottleneck(self) -> str:
        return "bottleneck: stage 'FirmwareList'"

    def stalled(self, seconds: float) -> str | None:
        return self.stuck


class Clock:
    """Time that passes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


FAILED = UnitFailed(
    "firmware.image alpha",
    "ArtifactDownloader",
    "404",
    "https://user:pw@a.example/x?token=1",
    "builtin",
    '["firmware.image","alpha"]',
)
RETRYING = Retrying("https://user:pw@a.example/x", 2, 1.5, "503")


def test_plain_lines_come_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """One at the start, one every few seconds with how far it is, one when the phase changes."""
    clock, running = Clock(), Running()
    display = PlainDisplay("tools", every=5.0, clock=clock)

    display.tick()
    display.hear(SyncStarted("tools", 3, running))
    for _ in range(12):
        clock.now += 1.0
        running.counts = (running.counts[0] + 100, running.counts[1] + 50)
        running.downloaded += 10
        running.downloaded_bytes += 1_000_000
        display.tick()
    running.phase = "publishing"
    display.tick()
    display.close()

    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "tools: syncing towards version 3",
        "tools: 250 of 500 units; 50 files, 5.0 MB, 1.0 MB/s; bottleneck: stage 'FirmwareList'",
        "tools: 500 of 1,000 units; 100 files, 10.0 MB, 1.0 MB/s; bottleneck: stage 'FirmwareList'",
        "tools: publishing",
    ]


def test_what_goes_wrong_is_told_at_once_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    """Retries and failed units, by name; nothing of a URL that may be secret."""
    display = PlainDisplay("tools", clock=Clock())

    display.hear(RETRYING)
    display.hear(FAILED)

    err = capsys.readouterr().err
    assert err.splitlines() == [
        "tools: asking https://a.example/x again in 1.5 s: 503",
        "tools: failed: firmware.image alpha: 404",
    ]


def test_a_flood_of_failures_is_dammed(capsys: pytest.CaptureFixture[str]) -> None:
    """The rest is in the trace, and it says so."""
    display = PlainDisplay("tools", clock=Clock())

    for _ in range(1000):
        display.hear(FAILED)

    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "tools: further failures are listed by `entrepot trace`"


def test_a_sync_that_stands_still_says_on_what_it_waits(capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody looking at the lines knows where to look next."""
    clock = Clock()
    display = PlainDisplay("tools", every=5.0, clock=clock)
    display.hear(SyncStarted("tools", 3, Running(stuck="nothing moved for 40 s")))

    clock.now += 5
    display.tick()

    assert capsys.readouterr().err.splitlines()[-1].endswith("; nothing moved for 40 s")


def test_programs_get_json_lines_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """What began and what failed; how far it is, nobody asked."""
    display = JsonDisplay(Output(Invocation(environ={}, json=True)), "tools")

    for event in (SyncStarted("tools", 3, Running()), RETRYING, FAILED):
        display.hear(event)
    display.tick()
    display.close()

    out, err = capsys.readouterr()
    assert err == ""
    assert [json.loads(line) for line in out.splitlines()] == [
        {"event": "started", "repository": "tools", "version": 3},
        {
            "event": "failed",
            "repository": "tools",
            "key": '["firmware.image","alpha"]',
            "stage": "ArtifactDownloader",
            "plugin": "builtin",
            "url": "https://a.example/x",
            "scope": None,
            "error": "404",
        },
    ]


def drawn(display: LiveDisplay, running: Running) -> str:
    """The picture as text."""
    console = Console(file=io.StringIO(), width=140, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(display.picture(running))
    return captured.get()


def test_the_picture_shows_stages_files_bytes_rate_and_time_left() -> None:
    """A bar for each stage; half done in ten seconds leaves ten."""
    clock, running = Clock(), Running()
    display = LiveDisplay("tools", expected=1000, console=Console(file=io.StringIO()), clock=clock)

    display.hear(SyncStarted("tools", 3, running))
    display.tick()
    clock.now += 10
    running.counts, running.downloaded, running.downloaded_bytes = (700, 500), 20, 5_000_000
    display.tick()
    picture = drawn(display, running)
    display.close()

    assert "FirmwareList" in picture
    assert "0 in, 700 out" in picture
    assert "200 waiting" in picture
    assert "20 files  5.0 MB  500.0 kB/s  50 units/s  500 of 1,000 units  10.0 s left" in picture
    assert "bottleneck: stage 'FirmwareList'" in picture


def test_lines_about_what_goes_wrong_stand_above_the_picture() -> None:
    """They stay when the picture goes; text that looks like markup is shown as it is."""
    screen = io.StringIO()
    console = Console(file=screen, width=100, force_terminal=True, color_system=None)
    display = LiveDisplay("tools", expected=0, console=console, clock=Clock())

    display.hear(SyncStarted("tools", 3, Running()))
    display.hear(attrs.evolve(FAILED, unit="[red]alpha[/red] \x1b[2J"))
    display.close()

    assert "tools: failed: [red]alpha[/red] \\x1b[2J: 404" in screen.getvalue()


async def test_a_display_is_looked_after_while_the_sync_runs_and_closed_at_its_end() -> None:
    """From the loop's own thread; also when the sync fails."""
    seen: list[str] = []
    enough = asyncio.Event()

    class Recording:
        def hear(self, event: object) -> None:
            seen.append("heard")

        def tick(self) -> None:
            seen.append("tick")
            enough.set()

        def close(self) -> None:
            seen.append("closed")

    async def work() -> None:
        await enough.wait()
        raise ValueError("at its end")

    display: Display = Recording()
    with pytest.raises(ValueError, match="at its end"):
        await watch(work(), display, every=0.001)

    assert (seen[0], seen[-1], seen.count("closed")) == ("tick", "closed", 1)
