"""How the command is run."""

from __future__ import annotations

import asyncio
import datetime
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from entrepot_scan.options import ScanOptions
from entrepot_scan.scanner import CLEAN, ScanFailed, Scanner

ONE, MANY = "{path}", "{paths}"


def write(folder: Path, *bodies: str) -> list[Path]:
    """Files with these bodies, named like options where a name is theirs to choose."""
    paths = [folder / f"--help;$(touch pwned) {number}" for number in range(len(bodies))]
    for path, body in zip(paths, bodies, strict=True):
        path.write_text(body)
    return paths


@pytest.mark.parametrize("place", [(ONE,), (MANY,), ()])
@pytest.mark.parametrize(
    ("body", "verdict", "status"), [("fine", "clean", 0), ("EICAR", "infected", 1), ("BROKEN", "unclear", 2)]
)
async def test_the_status_tells_the_verdict(
    tmp_path: Path, scanner: Any, place: tuple[str, ...], body: str, verdict: str, status: int
) -> None:
    """The file is an argument of its own, or the standard input."""
    found = await Scanner(ScanOptions(scanner.command(*place))).scan(write(tmp_path, body))

    assert (found.verdict, found.status) == (verdict, status)
    assert scanner.scans() == [1]


async def test_a_path_can_be_part_of_an_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in --file={path}; no shell sees it, and a name is never an option."""
    (path,) = write(tmp_path, "fine")
    monkeypatch.chdir(tmp_path)
    command = ("/bin/sh", "-c", 'echo "$0" && exit 1', f"--file={ONE}")

    found = await Scanner(ScanOptions(command)).scan([Path(path.name)])

    assert found.words == "--file=file"
    assert not (tmp_path / "pwned").exists()


async def test_many_files_are_one_command(tmp_path: Path, scanner: Any) -> None:
    """As many as they are."""
    found = await Scanner(ScanOptions(scanner.command(MANY))).scan(write(tmp_path, *["fine"] * 20))

    assert found == CLEAN
    assert scanner.scans() == [20]


async def test_what_a_scanner_says_is_short_and_harmless(tmp_path: Path, scanner: Any) -> None:
    """It may print without end, and repeat what a file made it say; our paths are nobody's business."""
    found = await Scanner(ScanOptions(scanner.command(ONE))).scan(write(tmp_path, "EICAR"))

    assert found.words.startswith("file: [31mEicar FOUND!!")
    assert len(found.words) == 300


async def test_a_command_that_cannot_be_started_gives_no_verdict(tmp_path: Path) -> None:
    """Nor does one that is gone since the sync began."""
    with pytest.raises(ScanFailed, match="cannot be started"):
        await Scanner(ScanOptions((str(tmp_path / "gone"), ONE))).scan(write(tmp_path, "fine"))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does; in vain at most half a minute."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # another process sets no event of ours
            await asyncio.sleep(0.01)


def processes(scanner: Any) -> list[int]:
    """The process of a slow scan, and the one that it has started."""
    return [int(scanner.lines()[0].split()[0]), int(scanner.child.read_text())]


def is_running(process: int) -> bool:
    """Whether a process runs; an orphan may be left for others to bury."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_time_limit_ends_the_command_and_what_it_started(tmp_path: Path, scanner: Any) -> None:
    """There is no verdict, and nothing goes on running."""
    options = ScanOptions(scanner.command(ONE), timeout=datetime.timedelta(seconds=5))

    with pytest.raises(ScanFailed, match="did not end within 0:00:05"):
        await Scanner(options).scan(write(tmp_path, "SLOW"))

    await until(lambda: not any(map(is_running, processes(scanner))))


async def test_a_cancelled_scan_ends_the_command_and_what_it_started(tmp_path: Path, scanner: Any) -> None:
    """And leaves no zombie: the process was waited for."""
    scan = asyncio.create_task(Scanner(ScanOptions(scanner.command(ONE))).scan(write(tmp_path, "SLOW")))
    await until(scanner.child.exists)

    scan.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scan

    started, child = processes(scanner)
    await until(lambda: not is_running(child))
    with pytest.raises(ProcessLookupError):
        os.kill(started, 0)


async def test_no_more_commands_run_at_a_time_than_parallel_says(tmp_path: Path) -> None:
    """However many files wait."""
    running = tmp_path / "running"
    code = f'mkdir "{running}" && cat >/dev/null && sleep 0.02 && rmdir "{running}"'
    scanner = Scanner(ScanOptions(("/bin/sh", "-c", code), parallel=1))

    found = await asyncio.gather(*(scanner.scan([path]) for path in write(tmp_path, *["fine"] * 5)))

    assert found == [CLEAN] * 5


async def test_what_a_command_leaves_running_is_not_waited_for(tmp_path: Path, scanner: Any) -> None:
    """It may hold the output open for as long as it likes."""
    found = await Scanner(ScanOptions(scanner.command(ONE))).scan(write(tmp_path, "DAEMON EICAR"))

    (*_, child) = processes(scanner)
    try:
        assert found.verdict == "infected"
        assert found.words.startswith("file: [31mEicar")
        assert is_running(child)
    finally:
        os.kill(child, signal.SIGKILL)
