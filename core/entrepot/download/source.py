"""One remote while it is in use: its brakes, and a fetcher for each scheme."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING

import attrs

from entrepot.download.errors import UnusableUrl
from entrepot.download.politeness import Turnstile
from entrepot.download.protocol import Fetcher, FetcherFactory, Lane, Traffic
from entrepot.errors import did_you_mean

if TYPE_CHECKING:
    from entrepot.model.remote import Remote


@attrs.frozen(kw_only=True)
class Surroundings:
    """What all remotes share: time, threads for disk work, and the counters."""

    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    threads: Executor
    traffic: Traffic


def factory_for(url: str, factories: Mapping[str, FetcherFactory]) -> FetcherFactory:
    """Find what makes fetchers for a URL's scheme, or raise `UnusableUrl`."""
    scheme = url.partition(":")[0]
    factory = factories.get(scheme.lower())
    if factory is None:
        raise UnusableUrl(
            f"URLs of scheme {scheme!r:.40} cannot be fetched{did_you_mean(scheme.lower(), factories)}",
            url,
            remedy=f"use one of: {', '.join(sorted(factories))}, or install a plugin that fetches others",
        )
    return factory


class Source:
    """Finds the fetcher for a URL, and makes it when its first URL comes."""

    def __init__(self, remote: Remote, factories: Mapping[str, FetcherFactory], *, around: Surroundings) -> None:
        self.remote = remote
        self.turnstile = Turnstile(remote.politeness, clock=around.clock, sleep=around.sleep)
        self._factories = factories
        self._lane = Lane(
            clock=around.clock,
            threads=around.threads,
            traffic=around.traffic,
            pay=self.turnstile.pay,
            charges=self.turnstile.charges,
        )
        self._by_scheme: dict[str, Fetcher] = {}
        self._by_factory: dict[FetcherFactory, Fetcher] = {}

    def fetcher(self, url: str) -> Fetcher:
        """Return the fetcher for a URL's scheme, or raise `UnusableUrl`.

        A file is fetched for a remote that is itself a folder, and for no other: an upstream must
        not name files of this machine.
        """
        scheme = url.partition(":")[0]
        return self._by_scheme.get(scheme) or self._first(scheme, url)

    async def close(self) -> None:
        """Close all fetchers."""
        for fetcher in self._by_factory.values():
            await fetcher.close()

    def _first(self, scheme: str, url: str) -> Fetcher:
        factory = factory_for(url, self._factories)
        if scheme.lower() == "file" and not self.remote.url.lower().startswith("file:"):
            raise UnusableUrl(
                "the upstream names a file of this machine",
                url,
                remedy="an upstream's content comes from the network: see what it lists, and report it there",
            )
        if factory not in self._by_factory:
            self._by_factory[factory] = factory(self.remote, self._lane)
        self._by_scheme[scheme] = self._by_factory[factory]
        return self._by_scheme[scheme]
