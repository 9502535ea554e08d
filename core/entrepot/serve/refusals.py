"""What clients are told when there is nothing to send: a status, and one line."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from entrepot.catalog.faults import GoneVersion
from entrepot.download.errors import TooSlow
from entrepot.errors import DepotError, EntrepotError, IntegrityError, UnknownName, UpstreamError
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


def refusal(error: EntrepotError) -> web.Response:
    """Tell a client why it gets nothing."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
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
