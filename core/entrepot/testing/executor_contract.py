"""What an executor must honour that runs syncs elsewhere; subclass it, and run it with pytest.

>>> class TestMyExecutor(ExecutorContract):
...     def make_runner(self) -> JobRunner:
...         return MyRunner(MyOptions(at_once=2))
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
import pytest

from entrepot.errors import EntrepotError
from entrepot.executors.errors import CODES
from entrepot.model.job import JobRunner, SyncJob
from entrepot.testing import stand_in_worker

__all__ = ["ExecutorBench", "ExecutorContract", "Heard"]

_MOST_AT_ONCE: Final = 4


@attrs.define
class Heard:
    """What came from one job, in the order in which it came."""

    lines: list[str] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)
    _any: asyncio.Event = attrs.field(factory=asyncio.Event)

    def line(self, text: str) -> None:
        """Keep a line of stdout."""
        self.lines.append(text)
        self._any.set()

    def note(self, text: str) -> None:
        """Keep a line of stderr."""
        self.notes.append(text)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines as a program reads them; what is not whole fails."""
        return [_decoded(line) for line in self.lines]

    async def begun(self) -> None:
        """Wait for the first line."""
        await self._any.wait()


@attrs.frozen
class ExecutorBench:
    """A runner, and a folder that its workers write into; its name is one that a shell would misread."""

    runner: JobRunner
    folder: Path

    def job(self, name: str) -> SyncJob:
        """Make a job for a program that does at once what the name says."""
        program = (sys.executable, "-I", "-S", stand_in_worker.__file__)
        return SyncJob(repository=name, options=("--accept-loss",), depot=("--home", str(self.folder)), program=program)


class ExecutorContract:
    """The promises of `JobRunner`, one a test. Write `make_runner`.

    Jobs name a program that stands in for entrepot; a runner that starts another than
    `job.program` is told by its options to start that one here.
    """

    #: Seconds within which whatever must end has to end.
    patience: ClassVar[float] = 30.0

    def make_runner(self) -> JobRunner:
        """Make the runner under test, one that takes several jobs at a time if it can."""
        raise TypeError("a contract needs a runner: write make_runner(self)")

    @asynccontextmanager
    async def make_bench(self, folder: Path) -> AsyncIterator[ExecutorBench]:
        """Make what one promise is tried with."""
        strange = folder / "it's a $HOME & more"
        strange.mkdir()
        async with asyncio.timeout(self.patience):
            yield ExecutorBench(self.make_runner(), strange)

    @pytest.fixture
    async def bench(self, tmp_path: Path) -> AsyncIterator[ExecutorBench]:
        """What one promise is tried with."""
        async with self.make_bench(tmp_path) as bench:
            yield bench

    async def test_a_job_is_asked_for_in_its_own_words(self, bench: ExecutorBench) -> None:
        """No shell on the way takes a word apart, or reads anything into it."""
        job, heard = bench.job("ends-0"), Heard()

        code = await bench.runner.run(job, heard)

        assert code == 0, heard.notes
        assert heard.events == [{"event": "synced", "repository": "ends-0", "words": [*job.words]}]

    @pytest.mark.parametrize("code", [1, 3, 5, 130])
    async def test_the_exit_code_is_that_of_the_sync(self, bench: ExecutorBench, code: int) -> None:
        """What went wrong elsewhere went wrong here."""
        assert await bench.runner.run(bench.job(f"ends-{code}"), Heard()) == code

    async def test_what_is_for_people_is_kept_from_what_is_for_programs(self, bench: ExecutorBench) -> None:
        """Lines of stderr are notes, and none of them is a result."""
        heard = Heard()

        await bench.runner.run(bench.job("ends-3"), heard)

        assert [event["event"] for event in heard.events] == ["error"]
        assert "error: as asked" in heard.notes

    async def test_lines_come_whole(self, bench: ExecutorBench) -> None:
        """However they were written, however long they are, and though the last one has no end."""
        heard = Heard()

        assert await bench.runner.run(bench.job("wordy"), heard) == 0

        assert [event["event"] for event in heard.events] == ["failed", "synced"]
        is_whole = heard.events[0]["key"] == "ü" * stand_in_worker.LONG
        assert is_whole, "the line changed on its way"
        assert "the last words" in heard.notes

    async def test_a_worker_that_dies_ended_no_sync(self, bench: ExecutorBench) -> None:
        """It is an error, or an exit code that entrepot does not have."""
        try:
            code = await bench.runner.run(bench.job("killed"), Heard())
        except EntrepotError:
            return
        assert code not in CODES

    async def test_whoever_cancels_waits_for_the_end_of_the_sync(self, bench: ExecutorBench) -> None:
        """It may leave things in order; when it is over, it holds its repository no longer."""
        heard = Heard()
        running = asyncio.ensure_future(bench.runner.run(bench.job("patient"), heard))
        try:
            async with asyncio.timeout(self.patience / 2):
                await heard.begun()
        finally:
            running.cancel()
            await asyncio.wait({running})

        assert running.cancelled()
        assert (bench.folder / "in-order").exists()

    async def test_as_many_run_at_one_time_as_it_takes(self, bench: ExecutorBench) -> None:
        """Each goes on only when all have begun, and each is heard by itself."""
        count = min(bench.runner.at_once, _MOST_AT_ONCE)
        jobs = [bench.job(f"meets-{count}-{number}") for number in range(count)]
        heard = [Heard() for _ in jobs]

        async with asyncio.timeout(self.patience / 2):
            codes = await asyncio.gather(*map(bench.runner.run, jobs, heard))

        assert codes == [0] * count
        assert [[event["repository"] for event in each.events] for each in heard] == [[job.repository] for job in jobs]


def _decoded(line: str) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(line)
    except ValueError:
        pytest.fail(f"no whole line of JSON, but {len(line)} characters that begin with {line[:60]!r}")
    return values
