"""`entrepot sync --executor`: who is chosen, and what is said of one that does not do its part."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest

from entrepot.plugin import Executor, ExecutorContext, JobOutput, NotFound, SyncJob, hookimpl
from shell import Feed, Shell

Run = Callable[[SyncJob, JobOutput], Awaitable[Any]]


@attrs.frozen
class Options:
    """What the executor of a test can be told."""

    rooms: int = 1


@attrs.define(eq=False)
class Elsewhere:
    """An executor that does as a test says, as a plugin."""

    does: Run
    at_once: Any = 2
    made_with: list[ExecutorContext] = attrs.field(factory=list)

    @hookimpl
    def entrepot_register_executors(self) -> list[Executor]:
        return [Executor("elsewhere", self.make, Options)]

    def make(self, context: ExecutorContext) -> Elsewhere:
        self.made_with.append(context)
        return self

    async def run(self, job: SyncJob, output: JobOutput) -> int:
        code: int = await self.does(job, output)
        return code


@pytest.fixture
def two(ready: Shell, feed: Feed) -> Shell:
    """A shell with two repositories."""
    assert ready("add", "other", "--type", "firmware", "--url", feed.url).code == 0
    return ready


def with_executor(shell: Shell, does: Run, **given: Any) -> Elsewhere:
    """Install an executor that does so."""
    made = Elsewhere(does, **given)
    shell.plugins.append(("away", made))
    return made


def configured(shell: Shell, text: str) -> None:
    """Put lines below `[depot]`."""
    file = shell.configuration
    said = file.read_text()
    assert "[depot]" in said
    file.write_text(said.replace("[depot]\n", f"[depot]\n{text}\n", 1))


async def says_synced(job: SyncJob, output: JobOutput) -> int:
    """Tell what an entrepot elsewhere tells."""
    output.note("reading the list")
    output.line(f'{{"event": "started", "repository": "{job.repository}", "version": 1}}')
    output.line(f'{{"event": "synced", "repository": "{job.repository}", "version": 1, "added": 7, "failed": 0}}')
    return 0


def test_what_a_worker_says_is_passed_on(two: Shell) -> None:
    """Events are lines of stdout, all else is for people and names the repository."""
    with_executor(two, says_synced)

    lines = two("--json", "sync", "--executor", "elsewhere")
    shown = two("sync", "--executor", "elsewhere")

    assert (lines.code, shown.code) == (0, 0)
    assert sorted(line["repository"] for line in lines.lines if line["event"] == "synced") == ["other", "tools"]
    assert lines.err.splitlines() == ["tools: reading the list", "other: reading the list"]
    assert [row.split()[:3] for row in shown.out.splitlines()[1:3]] == [["tools", "1", "7"], ["other", "1", "7"]]
    assert "tools: made version 1; serve it: entrepot serve" in shown.out


def test_a_job_says_in_words_what_was_asked_for(two: Shell) -> None:
    """Whatever starts an entrepot with these words asks for this sync of this depot, here and nowhere else."""
    seen: list[SyncJob] = []

    async def look(job: SyncJob, output: JobOutput) -> int:
        seen.append(job)
        return await says_synced(job, output)

    with_executor(two, look)
    two("--block", "python", "--json", "sync", "--accept-loss", "--retry-failed", "--executor", "elsewhere", "tools")

    depot = ["--config", str(two.configuration), "--home", str(two.folder / "home"), "--block", "python"]
    asked = ["sync", "--executor", "local", "--retry-failed", "--accept-loss", "--", "tools"]
    assert [*seen[0].words] == [*depot, "--json", *asked]
    assert attrs.evolve(seen[0], program=()).command == seen[0].words


def test_the_words_of_a_job_are_understood(two: Shell) -> None:
    """They sync this repository, once more as if it had been asked for here."""
    seen: list[SyncJob] = []

    async def look(job: SyncJob, output: JobOutput) -> int:
        seen.append(job)
        return await says_synced(job, output)

    with_executor(two, look)
    two("sync", "--executor", "elsewhere", "tools")

    done = two(*seen[0].words)

    assert done.code == 0
    assert [(line["event"], line["repository"]) for line in done.lines] == [("started", "tools"), ("synced", "tools")]
    assert done.err.startswith("tools: syncing towards version 1\n")


def test_an_executor_that_is_not_there_is_asked_back_about(ready: Shell) -> None:
    """On the command line, in the configuration, and where its options are."""
    asked = ready("sync", "--executor", "proceses")
    configured(ready, 'executor = "lokal"')
    written = ready("sync")
    configured(ready, "executors.proceses.jobs = 4")
    options = ready("sync", "--executor", "local")

    assert [asked.code, written.code, options.code] == [2, 2, 2]
    assert "there is no executor 'proceses'; did you mean 'processes'?\n  where:  --executor" in asked.err
    assert "there is no executor 'lokal'; did you mean 'local'?" in written.err
    assert "entrepot.toml, depot.executor\n" in written.err
    assert "entrepot.toml, depot.executors.proceses\n" in options.err


def test_options_are_checked_against_the_class_of_the_executor(ready: Shell) -> None:
    """A slip is told with its file and key, before anything begins."""
    configured(ready, 'executors.processes.jbos = 4\nexecutors.elsewhere.rooms = 5\nexecutor = "processes"')
    made = with_executor(ready, says_synced)

    slip = ready("sync")
    right = ready("sync", "--executor", "elsewhere")

    assert slip.code == 2
    assert "did you mean 'jobs'?" in slip.err
    assert "entrepot.toml, depot.executors.processes" in slip.err
    assert right.code == 0
    assert made.made_with[-1].options == Options(rooms=5)


def test_no_worker_is_started_for_a_depot_in_memory(ready: Shell) -> None:
    """Each would store into a memory of its own, and a version would have no bytes."""
    configured(ready, 'storage = "memory:"')

    done = ready("sync", "--executor", "processes")

    assert done.code == 2
    assert "no other process sees what this depot stores" in done.err
    assert ready("sync", "--executor", "local").code == 0


async def in_silence(job: SyncJob, output: JobOutput) -> int:
    return 0


async def killed(job: SyncJob, output: JobOutput) -> int:
    return -9


async def killed_below_a_shell(job: SyncJob, output: JobOutput) -> int:
    return 137


async def unheard_of(job: SyncJob, output: JobOutput) -> int:
    return 255


async def upstream_is_gone(job: SyncJob, output: JobOutput) -> int:
    return 3


async def nonsense(job: SyncJob, output: JobOutput) -> None:
    return None


async def slips(job: SyncJob, output: JobOutput) -> int:
    return len(job.repository[99])


async def refuses(job: SyncJob, output: JobOutput) -> int:
    raise NotFound("the queue has no such place", where="queue 'mirror'", remedy="make it")


async def of_another(job: SyncJob, output: JobOutput) -> int:
    return await says_synced(attrs.evolve(job, repository="other"), output)


@pytest.mark.parametrize(
    ("does", "code", "says"),
    [
        (in_silence, 1, "the worker that synced 'tools' ended with exit code 0 and did not say what became of it"),
        (killed, 1, "was ended by SIGKILL"),
        (killed_below_a_shell, 1, "was ended by SIGKILL"),
        (unheard_of, 1, "ended with exit code 255"),
        (upstream_is_gone, 3, "ended with exit code 3"),
        (nonsense, 2, "executor 'elsewhere' answered None where an exit code is expected"),
        (slips, 2, "executor 'elsewhere' raised IndexError"),
        (refuses, 3, "executor 'elsewhere', queue 'mirror'"),
        (of_another, 1, "ended with exit code 0 and did not say"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_worker_that_does_not_say_what_became_of_its_sync_is_an_error(
    two: Shell, does: Run, code: int, says: str
) -> None:
    """Of that sync alone; programs are told it in a line."""

    async def first_alone(job: SyncJob, output: JobOutput) -> Any:
        return await (does if job.repository == "tools" else says_synced)(job, output)

    with_executor(two, first_alone)

    done = two("--json", "sync", "--executor", "elsewhere")

    ends = [(line["repository"], line["event"]) for line in done.lines if line["event"] != "started"]
    assert sorted(ends) == [("other", "synced"), ("tools", "error")]
    assert done.code == code
    assert says in done.err


@pytest.mark.parametrize("at_once", [0, True, "two", None])
def test_an_executor_that_takes_no_number_of_jobs_is_refused(ready: Shell, at_once: object) -> None:
    """The plugin is named; nothing begins."""
    with_executor(ready, says_synced, at_once=at_once)

    done = ready("sync", "--executor", "elsewhere")

    assert done.code == 2
    assert "plugin 'away', entrepot_register_executors" in done.err


def test_lines_of_several_are_never_mixed(two: Shell) -> None:
    """Each line is whole and names its repository, however the workers take turns."""

    async def in_turns(job: SyncJob, output: JobOutput) -> int:
        for number in range(50):
            output.line(f'{{"event": "failed", "repository": "{job.repository}", "key": "{number}", "url": null}}')
            await asyncio.sleep(0)
        return await says_synced(job, output)

    with_executor(two, in_turns)

    done = two("--json", "sync", "--executor", "elsewhere")

    for name in ("tools", "other"):
        keys = [line["key"] for line in done.lines if (line["event"], line["repository"]) == ("failed", name)]
        assert keys == [str(number) for number in range(50)]
