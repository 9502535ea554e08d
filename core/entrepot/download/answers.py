"""Reading an answer's head: which error a status is, and what its headers promise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from entrepot.download.errors import (
    Absent,
    AccessDenied,
    DownloadError,
    ResumeRefused,
    UnexpectedAnswer,
    later,
)
from entrepot.model.downloading import Validator

OK: Final = 200
PARTIAL: Final = 206
NOT_MODIFIED: Final = 304
NO_SUCH_RANGE: Final = 416
TOO_MANY_REQUESTS: Final = 429

_ABSENT: Final = frozenset({404, 410})
_PROXY_DENIES: Final = 407
_DENIED: Final = frozenset({401, 403, _PROXY_DENIES})
_LATER: Final = frozenset({408, 425, TOO_MANY_REQUESTS})
_FIRST_SERVER_ERROR: Final = 500
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII)
_SECONDS: Final = re.compile(r"\d{1,18}", re.ASCII)


def error_of(status: int, headers: Mapping[str, str], url: str) -> DownloadError:
    """Make the error for an answer that brings no body one can use."""
    if status in _ABSENT:
        return Absent(f"the upstream has nothing here (status {status})", url, remedy=_look(url), status=status)
    if status in _DENIED:
        return _denied(status, url)
    if status in _LATER or status >= _FIRST_SERVER_ERROR:
        error = later(f"the upstream cannot answer now (status {status})", url, status)
        error.retry_after = retry_after(headers)
        return error
    return UnexpectedAnswer(
        f"the upstream answered with status {status}, which brings no whole body",
        url,
        remedy=_look(url),
        status=status,
    )


def _denied(status: int, url: str) -> AccessDenied:
    if status == _PROXY_DENIES:
        return AccessDenied(
            "the proxy wants credentials (status 407)",
            url,
            remedy="write them into the repository's proxy: proxy = 'http://USER:PASSWORD@HOST:PORT'",
            status=status,
        )
    return AccessDenied(
        f"the upstream denies access (status {status})",
        url,
        remedy="set username and password, bearer or headers for this repository, or see whether they are still valid",
        status=status,
    )


def _look(url: str) -> str:
    return "see whether the URL is right" if url else ""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read how many seconds the upstream wants to be left alone; None for nonsense and for the past.

    A date is compared with the answer's own Date: our clock need not agree with the upstream's.
    """
    text = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        seconds = (parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("Date", ""))).total_seconds()
    except (ValueError, TypeError):
        return None
    return seconds if seconds > 0 else None


def content_length(headers: Mapping[str, str]) -> int | None:
    """Read how long the body says it is."""
    text = headers.get("Content-Length")
    return int(text) if text is not None and _SECONDS.fullmatch(text) else None


def resumed_at(headers: Mapping[str, str], asked: int, url: str) -> int | None:
    """Return the length of the rest, or raise `ResumeRefused` when it is not the rest that was asked for."""
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if found is None or int(found[1]) != asked or int(found[2]) < asked:
        raise ResumeRefused("another part came than was asked for", url, status=PARTIAL)
    if found[3] != "*" and int(found[3]) != int(found[2]) + 1:
        raise ResumeRefused("only a part of the rest came", url, status=PARTIAL)
    return int(found[2]) + 1 - asked


def validator_of(headers: Mapping[str, str]) -> Validator | None:
    """Read what tells this state of the resource from the next."""
    etag, modified = headers.get("ETag"), headers.get("Last-Modified")
    return Validator(etag, modified) if etag or modified else None
