"""Secrets, and the one origin that each may be sent to."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from entrepot.errors import ConfigurationError, safe_url
from entrepot.model.remote import Secret

if TYPE_CHECKING:
    from entrepot.model.remote import Remote

_PORTS: Final = {"http": 80, "https": 443}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_ALWAYS_SECRET: Final = frozenset({"authorization", "cookie", "proxy-authorization"})


class Origin(NamedTuple):
    """Scheme, host and port: what a secret is bound to."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Origin:
        """Read the origin of a URL; `ValueError` when its port is no number."""
        parts = urlsplit(url)
        return cls(parts.scheme, (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0))


class Credentials:
    """The headers that say who we are, for the origin of the remote's URL and no other.

    All headers that the operator set count as secret: a token's header has no name one could know.
    """

    def __init__(self, remote: Remote) -> None:
        self.origin = Origin.of(remote.url)
        self._prefix = _prefix(self.origin)
        self._headers = _headers(remote)
        self._secret_names = _ALWAYS_SECRET | {name.lower() for name in self._headers}

    def __repr__(self) -> str:
        return f"Credentials({self.origin})"

    def own(self, url: str) -> bool:
        """Whether a URL is of the origin that secrets may go to."""
        return url.startswith(self._prefix) or Origin.of(url) == self.origin

    def for_url(self, url: str, asked: Mapping[str, str] | None) -> Mapping[str, str] | None:
        """Return the headers of a request: what was asked for, with secrets for their origin alone."""
        if not self._headers and not asked:
            return None
        if self.own(url):
            return {**self._headers, **asked} if asked else self._headers
        return {name: value for name, value in (asked or {}).items() if name.lower() not in self._secret_names}


def _prefix(origin: Origin) -> str:
    """The text that most URLs of an origin start with; a short cut, never the only test."""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    port = "" if origin.port == _PORTS.get(origin.scheme) else f":{origin.port}"
    return f"{origin.scheme}://{host}{port}/"


def _headers(remote: Remote) -> dict[str, str]:
    access, parts = remote.access, urlsplit(remote.url)
    headers = {name: value.reveal() if isinstance(value, Secret) else value for name, value in access.headers.items()}
    username = access.username if access.username is not None else unquote(parts.username or "")
    password = access.password.reveal() if access.password is not None else unquote(parts.password or "")
    if access.bearer is not None:
        headers["Authorization"] = f"Bearer {access.bearer.reveal()}"
    elif username or password:
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    for name, value in headers.items():
        if _CONTROL.search(name + value):
            raise ConfigurationError(
                f"header {name!r} or its value has a control character, such as a line end",
                where=safe_url(remote.url),
                remedy="remove it: a file or variable that holds a secret often ends with a newline",
            )
    return headers
