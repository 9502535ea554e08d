"""How much may come out of what came in."""

from __future__ import annotations

from typing import Final

from entrepot.errors import InvalidMetadata

#: Bytes that one list or index may be, decoded: what a remote's `largest_metadata` is by default.
LARGEST: Final = 2 * 1024**3

#: Decoded bytes for each compressed one, and the decoded bytes from which that counts: real indexes
#: shrink to a tenth, and small files of blanks shrink to nothing without harm.
RATIO: Final = 200
RATIO_COUNTS_FROM: Final = 64 * 1024**2


class BeyondLimits(InvalidMetadata):
    """What an upstream sent holds more, or nests deeper, than is ever read."""


def beyond(what: str, where: str = "") -> BeyondLimits:
    """Make the error of something that is over a limit; `what` names the limit."""
    return BeyondLimits(
        what, where, "report it to whoever runs the upstream; if it is right, ask the plugin's authors to allow more"
    )


def unreadable(form: str, why: object, where: str = "") -> InvalidMetadata:
    """Make the error of something that is not what it was said to be."""
    return InvalidMetadata(
        f"this is not {form} that can be read: {why}",
        where,
        "sync again; if it stays so, report it to whoever runs the upstream",
    )
