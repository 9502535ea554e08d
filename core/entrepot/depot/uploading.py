"""Taking in what is uploaded, and out again: one run and one new version for all at once."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import attrs

from entrepot.errors import Failed, RepositoryBusy
from entrepot.events import Listener, nobody

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from entrepot.assembly.outcome import SyncOutcome
    from entrepot.assembly.request import SyncRequest
    from entrepot.depot.depot import Depot
    from entrepot.model.upload import Upload

#: Seconds between two looks at a repository that somebody else writes to.
_AGAIN: Final = 0.1


async def upload(
    depot: Depot, name: str, uploads: Sequence[Upload], *, patience: float, listener: Listener = nobody
) -> SyncOutcome:
    """Make a version with all the uploads in it, or none.

    The outcome has no version when all are there already.
    What came in is kept or discarded in the end, whatever happens, also when this is cancelled. Two at
    once wait for each other: `RepositoryBusy` when the other one takes longer than `patience`, in seconds.
    Raises `Unacceptable` or `PathTaken` for what is wrong with a file, and `Refused` for what a plugin leaves out.
    """

    async def once(request: SyncRequest) -> SyncOutcome:
        stage = depot.intake_stage(request, uploads)
        try:
            return await depot.workshop.run(stage, request, listener=listener)
        finally:
            stage.discard_beside()

    try:
        return await _when_free(depot, name, once, patience)
    finally:
        for one in uploads:
            one.received.discard()


async def withdraw(
    depot: Depot, name: str, files: Sequence[str], *, patience: float, listener: Listener = nobody
) -> SyncOutcome:
    """Make a version without the files, or none; earlier versions keep them.

    Waits as `upload` does. Raises `Unacceptable` for a name that the latest version does not serve, or
    serves several files by.
    """

    async def once(request: SyncRequest) -> SyncOutcome:
        return await depot.workshop.run(depot.withdrawal_stage(request, files), request, listener=listener)

    return await _when_free(depot, name, once, patience)


async def _when_free(
    depot: Depot, name: str, once: Callable[[SyncRequest], Awaitable[SyncOutcome]], patience: float
) -> SyncOutcome:
    until = time.monotonic() + patience
    depot.intake(name)
    request = attrs.evolve(depot.request(name), on_error="fail", guard_loss=None)
    while True:
        try:
            return await once(request)
        except RepositoryBusy:
            if time.monotonic() >= until:
                raise
        except (ExceptionGroup, Failed) as error:
            raise _innermost(error) from error
        await asyncio.sleep(_AGAIN)


def _innermost(error: Exception) -> Exception:
    """What went wrong first with the one file that ended it all."""
    if isinstance(error, ExceptionGroup):
        return _innermost(error.exceptions[0])
    return _innermost(error.cause) if isinstance(error, Failed) and isinstance(error.cause, Exception) else error
