"""Withdraw: take files that were uploaded out of a repository again, as one new version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrepot.depot.uploading import withdraw
from entrepot.events import Listener, nobody
from entrepot.operations.upload import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrepot.assembly.outcome import SyncOutcome
    from entrepot.depot import Depot


async def withdraw_files(depot: Depot, name: str, files: Sequence[str], *, listener: Listener = nobody) -> SyncOutcome:
    """Take out all the files, or none of them, by where they are served or by the end of that.

    Earlier versions go on serving them, until they are pruned; the names keep their bytes for good.
    Raises `Unacceptable` for a name that the latest version does not serve, or serves several files by.
    """
    return await withdraw(depot, name, files, patience=PATIENCE, listener=listener)
