"""Remotes: where content comes from, and how politely to ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import unquote, urlsplit, urlunsplit

import attrs

from entrepot.errors import NotBound, safe_url

if TYPE_CHECKING:
    from pathlib import Path

    from entrepot.model.artifact import Artifact
    from entrepot.model.downloading import Downloader, Validator
    from entrepot.model.workshop import Workshop

#: When bytes are fetched: in the sync, when somebody first asks, or anew for each who asks.
Policy: TypeAlias = Literal["immediate", "on_demand", "streamed"]


class Secret:
    """A value that never shows: not in logs, errors, reprs or comparisons' output.

    Read it with `reveal()` at the moment it is sent.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; keep it out of anything that is stored or shown."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))


@attrs.frozen(kw_only=True)
class Access:
    """Who we are to the upstream, and which addresses it may lead to.

    Secrets belong to the origin (scheme, host and port) of the remote's URL and are never sent to
    another. Private, loopback and link-local addresses are refused unless `allow_private` is set.
    """

    username: str | None = None
    password: Secret | None = None
    bearer: Secret | None = None
    headers: Mapping[str, str | Secret] = attrs.field(factory=dict)
    proxy: str | None = attrs.field(default=None, repr=lambda proxy: repr(proxy and safe_url(proxy)))
    ca_file: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None
    allow_private: bool = False
    allow_weak_digests: bool = False


@attrs.frozen(kw_only=True)
class Politeness:
    """How hard to ask: limits that hold for all requests of one remote together.

    Times are seconds. `min_throughput` is bytes a second over `throughput_window`; slower bodies
    are given up on. `retries` counts the tries after the first.
    """

    concurrency: int = 20
    requests_per_second: float | None = None
    bytes_per_second: float | None = None
    connect_timeout: float = 20.0
    header_timeout: float = 30.0
    total_timeout: float | None = None
    min_throughput: int = 1024
    throughput_window: float = 60.0
    retries: int = 4
    longest_retry_after: float = 300.0
    largest_metadata: int = 2 * 1024**3


@attrs.frozen
class Remote:
    """Where content comes from. Taken from a depot, it can download; made by hand, it only tells."""

    url: str = attrs.field(repr=safe_url)
    policy: Policy = attrs.field(default="immediate", kw_only=True)
    access: Access = attrs.field(factory=Access, kw_only=True)
    politeness: Politeness = attrs.field(factory=Politeness, kw_only=True)
    _workshop: Workshop | None = attrs.field(default=None, kw_only=True, eq=False, repr=False)

    @property
    def deferred(self) -> bool:
        """Whether content artifacts are fetched when first asked for, not during the sync."""
        return self.policy != "immediate"

    def get_downloader(
        self,
        url: str,
        *,
        artifact: Artifact | None = None,
        validator: Validator | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Downloader:
        """Make a downloader for one URL; `await downloader.run()` gives a result with a `path`.

        What is fetched so is metadata: it lies in a scratch folder that is gone when the sync
        ends. Declared digests and size of `artifact` are verified. With a `validator` of an
        earlier answer the request is conditional, and the result may be `not_modified`.
        Raises `NotBound` for a remote that no depot gave.
        """
        if self._workshop is None:
            raise NotBound(f"remote {safe_url(self.url)}")
        return self._workshop.downloader(self, url, artifact=artifact, validator=validator, headers=headers)


def without_password(url: str, access: Access) -> tuple[str, Access]:
    """Move user and password out of a URL: what plugins join to it is stored, and shown.

    Those that `access` has of its own go before.
    """
    parts = urlsplit(url)
    place, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, access
    user, _, password = place.partition(":")
    if access.username is None and access.password is None:
        access = attrs.evolve(access, username=unquote(user), password=Secret(unquote(password)))
    return urlunsplit(parts._replace(netloc=host)), access
