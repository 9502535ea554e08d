"""Following redirects by hand: where one may lead, and when to stop."""

from __future__ import annotations

from typing import Final
from urllib.parse import urldefrag, urljoin, urlsplit, urlunsplit

from entrepot.download.errors import RedirectRefused
from entrepot.errors import safe_url

STATUSES: Final = frozenset({301, 302, 303, 307, 308})
MOST_HOPS: Final = 10

_ASK_ELSEWHERE: Final = "see whether the repository's url is where the upstream is now; else tell its operator"


class Trail:
    """The URLs that one request went through."""

    def __init__(self, url: str) -> None:
        self._urls = [url]

    def follow(self, location: str | None) -> str:
        """Return the next URL, absolute and without fragment or userinfo, or raise `RedirectRefused`."""
        here = self._urls[-1]
        if not location:
            raise RedirectRefused("the redirect does not say where to", here, remedy="tell the upstream's operator")
        try:
            target = bare(urljoin(here, location.strip()))
        except ValueError:
            raise RedirectRefused(
                "the redirect leads to a malformed URL", here, remedy="tell the upstream's operator"
            ) from None
        self._check(here, target)
        self._urls.append(target)
        return target

    def _check(self, here: str, target: str) -> None:
        scheme = urlsplit(target).scheme
        if scheme not in ("http", "https"):
            raise RedirectRefused(
                f"the redirect leads to a {scheme or 'relative'} URL, and only http and https are followed",
                here,
                remedy="an upstream's content comes from the network: see what it answers, and report it there",
            )
        if scheme == "http" and urlsplit(here).scheme == "https":
            raise RedirectRefused(
                f"the redirect leaves https for {safe_url(target)}",
                here,
                remedy="ask the upstream's operator for an https address, and put that in the configuration",
            )
        if target in self._urls:
            raise RedirectRefused(
                f"the redirects go round in a loop: {self._chain(target)}", self._urls[0], remedy=_ASK_ELSEWHERE
            )
        if len(self._urls) > MOST_HOPS:
            raise RedirectRefused(
                f"more than {MOST_HOPS} redirects: {self._chain(target)}", self._urls[0], remedy=_ASK_ELSEWHERE
            )

    def _chain(self, target: str) -> str:
        return " -> ".join(safe_url(url) for url in [*self._urls, target])


def bare(url: str) -> str:
    """Leave out fragment and userinfo; `ValueError` for a URL whose host or port cannot be read."""
    parts = urlsplit(urldefrag(url).url)
    parts.port  # noqa: B018  # reading it is what checks it: ValueError when it is no number
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
