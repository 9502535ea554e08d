"""What a downloader is: it tries one request once, and all else is done around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import attrs

from entrepot.model.downloading import Validator

if TYPE_CHECKING:
    from entrepot.model.artifact import Artifact
    from entrepot.model.incoming import Incoming
    from entrepot.model.remote import Remote


@attrs.define(kw_only=True)
class Request:
    """One URL that is asked for, over several tries if need be.

    `limit` is the most bytes that a body of undeclared size may have. `deadline` is a moment of the
    lane's clock. `validator` makes the request conditional. `resumable` is the fetcher's own note to
    its next try: what tells whether the bytes already written belong to the same body.
    """

    url: str
    expected: Artifact
    limit: int | None = None
    deadline: float | None = None
    validator: Validator | None = None
    headers: Mapping[str, str] | None = None
    resumable: Validator | None = None


class Answer(NamedTuple):
    """What the final answer said: where it came from, its headers, and whether there was a body."""

    url: str
    headers: Mapping[str, str]
    not_modified: bool = False


class Traffic:
    """Counts what came in over the wire; read it at any time."""

    __slots__ = ("bytes", "files")

    def __init__(self) -> None:
        self.files = 0
        self.bytes = 0


@attrs.frozen(kw_only=True)
class Lane:
    """What one remote's fetchers are given: time, threads for disk work, counters and the brakes.

    `pay(n)` is awaited for every n bytes that came in, when `charges` is true: it waits as long as
    the remote's bytes a second demand.
    """

    clock: Callable[[], float]
    threads: Executor
    traffic: Traffic
    pay: Callable[[int], Awaitable[None]]
    charges: bool


class Fetcher(Protocol):
    """Brings bytes from URLs of some schemes, for one remote.

    Retries, waits, concurrency, digests and events are the caller's affair.
    """

    async def fetch(self, request: Request, incoming: Incoming) -> Answer:
        """Write the body to `incoming`, whole and from its start, and return what was answered.

        `incoming` may hold bytes of an earlier try: go on after them if that is certain to be right,
        else call its `restart`. Nothing is written when the answer is `not_modified`. Raises a
        `DownloadError` that says whether trying again may help, or what `incoming` raises. When it
        returns, fails or is cancelled, nothing writes to `incoming` any more and no connection is held.
        """

    async def close(self) -> None:
        """Close kept connections; no fetch is running."""


FetcherFactory: TypeAlias = Callable[["Remote", Lane], Fetcher]
