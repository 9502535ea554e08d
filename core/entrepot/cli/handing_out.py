"""Syncs handed to an executor, and what is said of each: by it, or here where it fails to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from entrepot.cli.failures import tell
from entrepot.cli.output import Output
from entrepot.cli.relay import Relay
from entrepot.cli.running import end_if_asked
from entrepot.errors import EntrepotError, Interrupted, PluginError
from entrepot.executors.errors import CODES, WorkerLost
from entrepot.executors.running import run_all

if TYPE_CHECKING:
    from entrepot.model.job import SyncJob
    from entrepot.operations.executor import Chosen


class HandingOut:
    """Runs jobs with an executor; `relays` and `codes` stand in the order of the jobs."""

    def __init__(self, jobs: Sequence[SyncJob], output: Output) -> None:
        self.jobs, self._output = jobs, output
        self._relays = {job.repository: Relay(output, job.repository) for job in jobs}
        self.codes: list[int] = []

    @property
    def relays(self) -> list[Relay]:
        """What was heard of each job."""
        return [*self._relays.values()]

    def relay(self, job: SyncJob) -> Relay:
        """Where a job is heard."""
        return self._relays[job.repository]

    def failed(self, job: SyncJob, error: BaseException) -> int:
        """Tell what ended a job, as every command tells errors, and return its exit code."""
        self.relay(job).is_over = True
        self._output.line({"event": "error", "repository": job.repository, "error": str(error)})
        return tell(error, debug=self._output.debug)

    async def run(self, executor: Chosen) -> None:
        """Run all jobs to their end; one that fails keeps no other from its sync."""

        async def one(job: SyncJob) -> None:
            try:
                code = self._checked(job, await executor.runner.run(job, self.relay(job)), executor)
            except Interrupted:
                raise
            except Exception as error:
                code = self.failed(job, _in_our_words(error, executor))
                end_if_asked()
            self.codes.append(code)

        await run_all(self.jobs, one, at_once=executor.runner.at_once)

    def _checked(self, job: SyncJob, code: object, executor: Chosen) -> int:
        """Take an exit code only along with the word of what became of the sync."""
        if isinstance(code, bool) or not isinstance(code, int):
            raise _wrong(executor, f"answered {code!r} where an exit code is expected")
        if self.relay(job).is_over and code in CODES:
            return code
        told = self.failed(job, WorkerLost(job.repository, code, executor=executor.name))
        return code if code in CODES and code else told


def _in_our_words(error: Exception, executor: Chosen) -> Exception:
    if isinstance(error, EntrepotError):
        return error.at(f"executor {executor.name!r}")
    if isinstance(error, ExceptionGroup) and error.split(EntrepotError)[1] is None:
        return error
    told = _wrong(executor, f"raised {type(error).__name__}: {error}")
    told.__cause__ = error
    return told


def _wrong(executor: Chosen, what: str) -> PluginError:
    return PluginError(
        f"executor {executor.name!r} {what}",
        where=f"plugin {executor.plugin!r}",
        remedy="sync here: --executor local; --debug shows the traceback",
    )
