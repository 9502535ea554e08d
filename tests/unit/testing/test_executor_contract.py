"""The contract of executors holds for those that are right, and fails where one breaks a promise."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from entrepot.executors.processes import Processes
from entrepot.plugin import JobOutput, JobRunner, SyncJob, run_command
from entrepot.testing.executor_contract import ExecutorContract, Heard
from unit.testing.verdicts import broken_promises, promises


class TestProcesses(ExecutorContract):
    """The executor that ships."""

    def make_runner(self) -> JobRunner:
        return Processes(2)


class ByShell(Processes):
    """Hands each job to a shell, as one text; a queue or another machine would be asked like this."""

    async def run(self, job: SyncJob, output: JobOutput) -> int:
        return await run_command(["sh", "-c", f"{shlex.join(job.command)}; exit $?"], output)


class TestByShell(ExecutorContract):
    """One that a stranger might write: the shell does not pass the signal on, and is not the worker."""

    def make_runner(self) -> JobRunner:
        return ByShell(2)


class Optimist(Processes):
    """Takes every end for a good one."""

    async def run(self, job: SyncJob, output: JobOutput) -> int:
        await super().run(job, output)
        return 0


class Careless(Processes):
    """Builds a line for the shell without quoting."""

    async def run(self, job: SyncJob, output: JobOutput) -> int:
        return await run_command(["sh", "-c", " ".join(job.command)], output)


class Mixing(Processes):
    """Lets results and notes come through one pipe."""

    async def run(self, job: SyncJob, output: JobOutput) -> int:
        return await run_command(["sh", "-c", f"exec {shlex.join(job.command)} 2>&1"], output)


class Piecemeal(Processes):
    """Passes on what comes as it comes."""

    async def run(self, job: SyncJob, output: JobOutput) -> int:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*job.command, stdout=pipe)
        assert process.stdout is not None
        while piece := await process.stdout.read(65_536):
            output.line(piece.decode(errors="replace"))
        return await process.wait()


class Hasty(Processes):
    """Is gone as soon as it is cancelled, and lets the worker work."""

    async def run(self, job: SyncJob, output: JobOutput) -> int:
        running = asyncio.ensure_future(run_command(job.command, output, patience=0))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_soon(running.cancel)
            raise


@attrs.frozen
class Unhurried(Processes):
    """Takes several jobs and runs one at a time."""

    _turn: asyncio.Lock = attrs.field(factory=asyncio.Lock)

    async def run(self, job: SyncJob, output: JobOutput) -> int:
        async with self._turn:
            return await run_command(job.command, output)


class Secretive(Processes):
    """Keeps what it hears until all is over."""

    async def run(self, job: SyncJob, output: JobOutput) -> int:
        heard = Heard()
        code = await super().run(job, heard)
        for line in heard.lines:
            output.line(line)
        return code


WORDS = "test_a_job_is_asked_for_in_its_own_words"
CODE = "test_the_exit_code_is_that_of_the_sync"
KEPT_APART = "test_what_is_for_people_is_kept_from_what_is_for_programs"
WHOLE = "test_lines_come_whole"
DIED = "test_a_worker_that_dies_ended_no_sync"
CANCELLED = "test_whoever_cancels_waits_for_the_end_of_the_sync"
AT_ONCE = "test_as_many_run_at_one_time_as_it_takes"

BREAKING: list[tuple[type[Processes], Sequence[str]]] = [
    (Optimist, [CODE, DIED]),
    (Careless, [WORDS]),
    (Mixing, [KEPT_APART]),
    (Piecemeal, [WHOLE]),
    (Hasty, [CANCELLED]),
    (Unhurried, [AT_ONCE]),
    (Secretive, [CANCELLED]),
]


@pytest.mark.parametrize(("double", "broken"), BREAKING, ids=lambda value: getattr(value, "__name__", ""))
async def test_each_promise_is_found_out_when_it_is_broken(
    tmp_path: Path, double: type[Processes], broken: Sequence[str]
) -> None:
    """A contract that everybody passes promises nothing."""

    class Kit(ExecutorContract):
        patience = 3.0

        def make_runner(self) -> JobRunner:
            return double(2)

    found = await broken_promises(Kit, tmp_path, only=broken)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*left, return_exceptions=True)

    assert found == {*broken}


def test_each_promise_has_a_double_that_breaks_it() -> None:
    """A promise that is added here needs one."""
    assert {name for _, broken in BREAKING for name in broken} == {*promises(ExecutorContract)}
