"""What aiohttp and the socket say, in our words; none of theirs is shown, for URLs hold secrets."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from typing import Final

import aiohttp

from entrepot.download.errors import (
    AddressRefused,
    DownloadError,
    Truncated,
    UnexpectedAnswer,
    Unreachable,
    Untrusted,
    UnusableUrl,
)

FOREIGN: Final = (aiohttp.ClientError, OSError, ValueError)

_ONLINE: Final = "see whether the upstream is up and can be reached from here, then try again"
_PROXY: Final = "see whether the repository's proxy is right"
_CA: Final = "if your own authority vouches for this upstream, set ca_file for its repository"


def translate(error: Exception, url: str) -> DownloadError:
    """Return the error to raise in place of what a request raised; chain it with `from None`."""
    return next(make for foreign, make in _TABLE if isinstance(error, foreign))(error, url)


def _certificate(error: Exception, url: str) -> DownloadError:
    cause = getattr(error, "certificate_error", error)
    reason = getattr(cause, "verify_message", "") or "it is not for this host"
    return Untrusted(f"the upstream's certificate is not accepted: {reason}", url, remedy=_CA)


def _unsafe(_error: Exception, url: str) -> DownloadError:
    return Untrusted("no TLS connection could be agreed on that is safe", url, remedy=_CA)


def _unresolved(_error: Exception, url: str) -> DownloadError:
    return Unreachable("the upstream's name cannot be resolved", url, remedy=_ONLINE)


def _proxy_gone(error: Exception, url: str) -> DownloadError:
    return Unreachable(f"the proxy cannot be reached: {_reason(error)}", url, remedy=_PROXY)


def _proxy_refuses(error: Exception, url: str) -> DownloadError:
    return UnexpectedAnswer(f"the proxy answered with status {getattr(error, 'status', 0)}", url, remedy=_PROXY)


def _unconnected(error: Exception, url: str) -> DownloadError:
    refused = getattr(error, "os_error", error)
    if isinstance(refused, AddressRefused):
        again = AddressRefused(refused.what, url, remedy=refused.remedy)
        again.at(refused.where)
        return again
    return Unreachable(f"the upstream cannot be reached: {_reason(error)}", url, remedy=_ONLINE)


def _late(_error: Exception, url: str) -> DownloadError:
    return Unreachable("the upstream did not accept a connection in time", url, remedy=_ONLINE)


def _unsendable(_error: Exception, url: str) -> DownloadError:
    return UnusableUrl("the URL or a header cannot be sent", url, remedy="see whether the URL is right")


def _garbled(_error: Exception, url: str) -> DownloadError:
    return UnexpectedAnswer("the answer is no HTTP that can be understood, or its head is too long", url)


def _cut(_error: Exception, url: str) -> DownloadError:
    return Truncated("the connection ended early", url, remedy=_ONLINE)


def _reason(error: Exception) -> str:
    number = getattr(getattr(error, "os_error", error), "errno", None)
    return os.strerror(number).lower() if number else "no address of it answers"


#: aiohttp's classes descend from each other and from OSError: the first that fits is the most telling.
_TABLE: Final[tuple[tuple[type[Exception], Callable[[Exception, str], DownloadError]], ...]] = (
    (aiohttp.ClientConnectorCertificateError, _certificate),
    (aiohttp.ClientSSLError, _unsafe),
    (ssl.SSLError, _unsafe),
    (aiohttp.ClientConnectorDNSError, _unresolved),
    (aiohttp.ClientProxyConnectionError, _proxy_gone),
    (aiohttp.ClientHttpProxyError, _proxy_refuses),
    (aiohttp.ClientConnectorError, _unconnected),
    (AddressRefused, _unconnected),
    (TimeoutError, _late),
    (aiohttp.InvalidURL, _unsendable),
    (ValueError, _unsendable),
    (aiohttp.ClientResponseError, _garbled),
    (Exception, _cut),
)
