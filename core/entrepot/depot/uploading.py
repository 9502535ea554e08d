"""Taking in what is uploaded: one run, and one new version, for all that is handed in together."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import attrs

from entrepot.errors import Failed, RepositoryBusy
from entrepot.events import Listener, nobody

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.assembly.outcome import SyncOutcome
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
    until = time.monotonic() + patience
    try:
        depot.intake(name)
        request = attrs.evolve(depot.request(name), on_error="fail", guard_loss=None)
        while True:
            stage = depot.intake_stage(request, uploads)
            try:
                return await depot.workshop.run(stage, request, listener=listener)
            except RepositoryBusy:
                if time.monotonic() >= until:
                    raise
            except (ExceptionGroup, Failed) as error:
                raise _innermost(error) from error
            finally:
                stage.discard_beside()
            await asyncio.sleep(_AGAIN)
    finally:
        for one in uploads:
            one.received.discard()


def _innermost(error: Exception) -> Exception:
    """What went wrong first with the one file that ended it all."""
    if isinstance(error, ExceptionGroup):
        return _innermost(error.exceptions[0])
    return _innermost(error.cause) if isinstance(error, Failed) and isinstance(error.cause, Exception) else error
