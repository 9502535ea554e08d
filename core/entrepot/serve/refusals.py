"""What clients are told when there is nothing to send: a status, and one line."""

from __future__ import annotations

import logging
from typing import Final

from aiohttp import web

from entrepot.catalog.faults import GoneVersion
from entrepot.download.errors import TooSlow
from entrepot.errors import DepotError, EntrepotError, IntegrityError, UnknownName, UpstreamError
from entrepot.serve.pull_through import NotYet
from entrepot.serve.target import NoSuchPath

#: The first class that fits gives the status.
_STATUS: Final[tuple[tuple[type[EntrepotError], int], ...]] = (
    (NoSuchPath, 404),
    (UnknownName, 404),
    (GoneVersion, 410),
    (TooSlow, 504),
    (UpstreamError, 502),
    (IntegrityError, 502),
    (DepotError, 503),
)
_UNFORESEEN: Final = 500
_OURS: Final = frozenset({_UNFORESEEN, 503})

#: Seconds after which a client may ask again for what our own disk or catalog could not give.
_SOON: Final = "5"


def refusal(error: EntrepotError) -> web.Response:
    """Tell a client why it gets nothing; trouble of our own is told in the log, with its place.

    Our folders are nobody's business: a client is told of the trouble, and when to ask again.
    """
    if isinstance(error, NotYet):
        return one_line(503, error.what, Retry_After=_SOON)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), _UNFORESEEN)
    if status in _OURS:
        logging.getLogger(__name__).error("%s", error, exc_info=error if status == _UNFORESEEN else None)
        return one_line(status, error.what, Retry_After=_SOON)
    line = error.what if status in (404, 410) or not error.where else f"{error.what} ({error.where})"
    return one_line(status, line)


def one_line(status: int, text: str, **headers: str) -> web.Response:
    """Answer with plain text that nobody keeps."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    line = " ".join(text.split())
    return web.Response(status=status, text=f"{line}\n", headers={"Cache-Control": "no-store", **named})


def unknown_repository(name: str) -> web.Response:
    """Answer alike for repositories that are not there and those that must not be seen."""
    return one_line(404, f"there is no repository {name!r:.100}")
