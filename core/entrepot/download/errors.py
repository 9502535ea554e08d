"""What can go wrong with one request; every class says whether asking again may help."""

from __future__ import annotations

from typing import ClassVar

from entrepot.errors import NotFound, UpstreamError, safe_url

_LATER = "try again later; what came in whole is kept"


class DownloadError(UpstreamError):
    """A request did not bring what it was made for.

    `url` is fit to be shown; `status` is the answer's, when there was one. Of a `transient` error
    the same request may succeed later, after `retry_after` seconds if the upstream said so.
    """

    transient: ClassVar[bool] = False

    def __init__(self, what: str, url: str = "", *, remedy: str = "", status: int | None = None) -> None:
        self.url = safe_url(url) if url else ""
        super().__init__(what, self.url, remedy)
        self.status = status
        self.retry_after: float | None = None


class Absent(DownloadError, NotFound):
    """The upstream answered 404 or 410."""


class AccessDenied(DownloadError):
    """The upstream, or the proxy before it, wants other credentials."""


class Unavailable(DownloadError):
    """The upstream answered that it cannot answer now."""

    transient = True


class Unreachable(DownloadError):
    """No connection came about: no such name, refused, no route, no answer in time."""

    transient = True


class Truncated(DownloadError):
    """The connection ended before the body did."""

    transient = True


class TooSlow(DownloadError):
    """The upstream took longer than allowed, or sent fewer bytes a second than it must."""

    transient = True


class ResumeRefused(DownloadError):
    """The rest of a body was asked for, and something else came; the whole is asked for next."""

    transient = True


class Untrusted(DownloadError):
    """The upstream could not prove who it is, or spoke no TLS that is safe."""


class AddressRefused(DownloadError, OSError):
    """A name or URL leads to an address that this remote may not lead to."""


class RedirectRefused(DownloadError):
    """The upstream points somewhere that is not followed."""


class UnusableUrl(DownloadError):
    """A URL cannot be asked for: malformed, or of a scheme that nothing here fetches."""


class TooLarge(DownloadError):
    """A body of unknown size is larger than metadata may be."""


class UnexpectedAnswer(DownloadError):
    """The upstream answered in a way that brings no whole body."""


def later(what: str, url: str, status: int) -> Unavailable:
    """Make the error of an answer that may be another one next time."""
    return Unavailable(what, url, remedy=_LATER, status=status)
