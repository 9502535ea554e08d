"""Upload: take files of this machine into a repository, as one new version."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from entrepot.depot.uploading import upload
from entrepot.errors import ConfigurationError
from entrepot.events import Listener, nobody
from entrepot.model.artifact import Artifact
from entrepot.model.upload import Unacceptable, Upload

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from entrepot.assembly.outcome import SyncOutcome
    from entrepot.depot import Depot
    from entrepot.model.incoming import Incoming, Received, Receiver

#: Seconds that a command waits for whoever else writes to the repository.
PATIENCE: Final = 60.0

_READ: Final = 1024**2


async def upload_files(
    depot: Depot, name: str, files: Sequence[Path], *, path: str | None = None, listener: Listener = nobody
) -> SyncOutcome:
    """Take in all the files, or none of them; the outcome has no version when all are there already.

    `path` is where the type is to serve one file, or with a slash at its end, the folder for all. Bytes are
    read once, straight into the storage.
    """
    depot.intake(name)
    limit = depot.settings.repository(name).upload_limit
    if path is not None and not path.endswith("/") and len(files) > 1:
        raise ConfigurationError(
            f"{len(files)} files cannot all be served at {path!r:.120}",
            where="--path",
            remedy="name a folder, with a slash at its end",
        )
    uploads: list[Upload] = []
    with ExitStack() as undo:
        for file in files:
            received = await _read_in(depot.storage, file, limit)
            undo.callback(received.discard)
            fields = {} if path is None else {"path": [f"{path}{file.name}" if path.endswith("/") else path]}
            uploads.append(Upload(filename=file.name, received=received, fields=fields))
        return await upload(depot, name, uploads, patience=PATIENCE, listener=listener)


async def _read_in(receiver: Receiver, file: Path, limit: int) -> Received:
    """Read a file piece by piece, so that cancelling ends it at the next one."""
    incoming = receiver.receive(Artifact())
    try:
        with await asyncio.to_thread(file.open, "rb") as opened:
            while await asyncio.to_thread(_take, incoming, opened.read, limit, str(file)):
                pass
        return await asyncio.to_thread(incoming.finish)
    except BaseException as error:
        incoming.discard()
        if not isinstance(error, OSError):
            raise
        why = (error.strerror or "unknown reason").lower()
        raise Unacceptable(
            f"the file cannot be read: {why}", str(file), "check its path, and who may read it"
        ) from error


def _take(incoming: Incoming, read: Callable[[int], bytes], limit: int, place: str) -> bool:
    piece = read(_READ)
    if incoming.written + len(piece) > limit:
        raise Unacceptable(
            f"it is larger than {limit} bytes, which is all that the repository takes",
            where=place,
            remedy="raise upload_limit in the repository's table",
        )
    incoming.write(piece)
    return bool(piece)
