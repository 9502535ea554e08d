"""A sync that somebody else may run: what is to be done, and how it tells what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

import attrs


@attrs.frozen(kw_only=True)
class SyncJob:
    """One sync of one repository, as text alone: whatever reaches the same depot can run it.

    `program` starts an entrepot such as the one that asks, `depot` are the words that name the
    depot to it, `options` those that this sync was asked for with, such as `--retry-failed`.
    """

    repository: str
    options: tuple[str, ...] = ()
    depot: tuple[str, ...] = ()
    program: tuple[str, ...] = ("entrepot",)

    @property
    def words(self) -> tuple[str, ...]:
        """The command line after the name of the program; the sync it asks for is handed to nobody else."""
        return (*self.depot, "--json", "sync", "--executor", "local", *self.options, "--", self.repository)

    @property
    def command(self) -> tuple[str, ...]:
        """The whole command line, for a machine that has what this one has."""
        return (*self.program, *self.words)


class JobOutput(Protocol):
    """Where a running job is heard; called from the loop's thread, with whole lines, as they come."""

    def line(self, text: str) -> None:
        """One line of stdout: JSON, as docs/reference/json-lines.md describes it."""

    def note(self, text: str) -> None:
        """One line of stderr, for people."""


class JobRunner(Protocol):
    """Runs syncs somewhere; `at_once` says how many it is given at one time."""

    @property
    def at_once(self) -> int: ...

    async def run(self, job: SyncJob, output: JobOutput) -> int:
        """Run one sync to its end, and return the exit code of `entrepot sync`.

        A code that entrepot does not end with, negative for a signal, says that the worker died.
        A worker that cannot be started is an `EntrepotError`. Who cancels waits until the sync has
        ended, 10 seconds at most, so that its lease is free: see `run_command`.
        """


#: Runs a job in the process that asks, as `local` does; one at a time.
SyncHere: TypeAlias = Callable[[SyncJob, JobOutput], Awaitable[int]]
