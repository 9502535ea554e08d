"""What a sync tells to those who take part in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import datetime
    from collections.abc import AsyncIterator, Sequence

    from entrepot.errors import Failed, Refused
    from entrepot.model.artifact import Artifact, StoredArtifact
    from entrepot.model.declarative import DeclarativeArtifact, DeclarativeContent, Fetched
    from entrepot.model.incoming import Received
    from entrepot.model.ledger import KeptArtifact, Ledger, UnitPast
    from entrepot.model.pulled import Pulled
    from entrepot.model.remote import Policy, Remote
    from entrepot.model.repository import Repository

T = TypeVar("T")


class RunContext(Protocol):
    """What is known before a sync starts; plugins get it when the plan is assembled.

    `options` is the value of the repository type's own options class.
    """

    @property
    def repository(self) -> Repository: ...
    @property
    def remote(self) -> Remote: ...
    @property
    def options(self) -> Any: ...
    @property
    def mirror(self) -> bool: ...
    @property
    def policy(self) -> Policy: ...
    @property
    def pull_through(self) -> bool: ...
    @property
    def uploads(self) -> bool:
        """Whether content is handed in: there is no upstream then, and the remote's URL is empty."""

    def plugin_options(self, plugin: str, options: type[T]) -> T:
        """What the configuration says to one stage plugin for this repository, as its attrs class.

        Its defaults when nothing is written. What is wrong is a `ConfigurationError` that names the
        key, or an `ExceptionGroup` of them.
        """


class SyncContext(RunContext, Protocol):
    """What stages reach through `self.context` while the sync runs."""

    @property
    def ledger(self) -> Ledger:
        """The run's fenced access to the catalog; `NotBound` without a depot."""

    def now(self) -> float:
        """The moment by the depot's clock, in seconds since 1970."""

    async def past(self, units: Sequence[DeclarativeContent]) -> list[UnitPast]:
        """What the repository knew of each unit before this run, in order; one question for a batch."""

    async def checkpoint(self, scope: str) -> str | None:
        """What an earlier run noted for a scope (an ETag, a serial), or None when it is void."""

    async def note_checkpoint(self, scope: str, value: str) -> None:
        """Note it for later runs; it counts once this run has ended well.

        `scope` must be that of the units it speaks of: when one of them fails, what was noted for
        their scope is void, and for no other.
        """

    async def pulled(self) -> Pulled:
        """Which groups to declare because clients asked for them; none without `pull_through`."""

    async def note_pulled(self, group: str) -> None:
        """Say that a group of a pull is declared: who waits for it is told, and later syncs."""

    async def note_freshness(
        self,
        name: str,
        *,
        serial: int | None = None,
        moment: datetime.datetime | None = None,
        expires: datetime.datetime | None = None,
        upstream_now: datetime.datetime | None = None,
    ) -> None:
        """Say how new metadata is, and refuse it when it is older than last seen, over, or from the future.

        `name` says which metadata; it is compared with what the last good sync of the repository
        noted under that name, whatever has changed in the configuration since: a `serial` with a
        serial, a `moment` with a moment. From `expires` on it is over. `upstream_now` is what the
        upstream's clock said in the same answer; it only serves to tell whose clock is wrong.
        Call it before anything of that metadata is declared. Raises an `UpstreamError` whose remedy
        is the option that takes it all the same.
        """

    def open(self, artifact: Artifact) -> AsyncIterator[bytes]:
        """Stream bytes that storage holds; `NotHeld` where it does not hold that sha256.

        What is not deferred is held once its unit is resolved, unless the run tries only what failed
        before: then a unit that did not is resolved without having been fetched.
        """

    async def fetch(self, artifacts: Sequence[DeclarativeArtifact]) -> list[Fetched]:
        """Download and verify the artifacts of one unit, in order, or none of them.

        Waits for their share of the budget, which the first result holds. Takes a local file as it
        takes a URL. Safe to cancel. Raises `InvalidMetadata` before anything is asked for where no
        strong digest vouches for one of them, unless the operator allows that.
        """

    async def keep_bytes(self, batch: Sequence[Received]) -> list[KeptArtifact]:
        """Make bytes durable under their final names, in order; returns when they are."""

    async def adopt_bytes(self, digests: Sequence[bytes]) -> list[KeptArtifact | None]:
        """Find bytes that storage holds and the catalog may not know, verified, by sha256."""

    async def holds_bytes(self, artifacts: Sequence[StoredArtifact]) -> list[bool]:
        """Look, without reading, whether storage has a file of the right size for each."""

    async def note_failure(self, unit: DeclarativeContent, failed: Failed, *, stage: str, plugin: str) -> None:
        """Record a unit that was given up on; ends the run when `on_error` says so."""

    async def note_refusal(
        self, unit: DeclarativeContent, refused: Refused, *, stage: str, until: float | None, evict: bool
    ) -> None:
        """Record a unit that was left out on purpose."""

    def note_remark(self, unit: DeclarativeContent, rule: str, reason: str, *, stage: str, plugin: str) -> None:
        """Let the run's report say something about a unit that goes on; it lists the first hundred."""

    def remove_undeclared(self) -> None:
        """Ask the seal to remove what the stream did not declare and no kept scope covers."""
