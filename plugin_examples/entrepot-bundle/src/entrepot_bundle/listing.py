"""Reads what an index or a manifest lists.

Both look the same: `{"files": [{"path": ..., "sha256": ..., "size": ...}]}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from entrepot.plugin import (
    Artifact,
    BeyondLimits,
    InvalidMetadata,
    SyncContext,
    bounded_json,
    relative_path,
)

_LARGEST: Final = 16 * 1024**2


class Entry(NamedTuple):
    """A file that is listed; all of it was checked."""

    path: str
    sha256: str
    artifact: Artifact


async def read_listing(context: SyncContext, listing: Artifact) -> Sequence[Entry]:
    """Read the bytes of a listing that storage holds.

    Raises `InvalidMetadata`: where one entry cannot be used, nobody knows what else is wrong.
    """
    body = bytearray()
    async for chunk in context.open(listing):
        body += chunk
        if len(body) > _LARGEST:
            raise BeyondLimits(f"a listing has more than {_LARGEST} bytes", remedy="let the upstream list less in one")
    match bounded_json(bytes(body)):
        case {"files": list(files)}:
            return [_entry(said) for said in files]
    raise InvalidMetadata("this lists no files", remedy="see whether url leads to an index of bundles")


def _entry(said: Any) -> Entry:
    match said:
        case {"path": str(path), "sha256": str(sha256), "size": int(size)}:
            artifact = Artifact(sha256, size)
            return Entry(relative_path(path), artifact.sha256 or "", artifact)
    raise InvalidMetadata(
        f"{said!r:.80} is no entry of a listing", remedy="let the upstream name path, sha256 and size of each file"
    )
