"""The ledger: what one run may read and write of the catalog.

Every call is one batch, one short transaction on the catalog's own thread. Every call that writes
checks first that the run still holds its repository, and raises `LeaseLost` when it does not. All
writes are idempotent: a batch may be given twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from entrepot.model.artifact import StoredArtifact
    from entrepot.model.content import ArtifactLink
    from entrepot.model.digest import Digest


class KeptArtifact(NamedTuple):
    """An artifact whose bytes stand under their final name, durably.

    `recheck` is called inside the transaction that commits the row, for bytes that were found
    rather than written: False means that they are gone and the batch must not commit.
    """

    sha256: bytes
    size: int
    digests: tuple[Digest, ...] = ()
    recheck: Callable[[], bool] | None = None


class Statement(NamedTuple):
    """A content, ready to be written."""

    type: str
    identity: bytes
    key: str
    fields: bytes
    artifacts: Sequence[ArtifactLink]
    indexed: Sequence[tuple[str, str]]


class Source(NamedTuple):
    """Where one artifact of a content can be had again, in order of preference."""

    content: int
    relative_path: str
    urls: tuple[str, ...]


class Member(NamedTuple):
    """A content that the stream declared for the version under construction."""

    key: str
    content: int
    scope: str | None
    needs: tuple[str, ...] = ()


class Clash(NamedTuple):
    """One key that was declared with two identities in one run."""

    key: str
    first: int
    second: int


class Contradiction(NamedTuple):
    """A key declared with another identity than a kept scope has it with."""

    key: str
    scope: str | None
    declared: int
    kept_scope: str | None
    kept: int


class PathClash(NamedTuple):
    """One path that two members of a version claim with different bytes."""

    relative_path: str
    keys: tuple[str, str]


class Unmet(NamedTuple):
    """A member whose dependency is neither in the version nor kept; the chain leads to what lacks.

    Of a long chain, `left_out` links before the last are not told. `further` are the other scopes
    that list the member; None is no scope.
    """

    key: str
    chain: tuple[str, ...]
    scope: str | None = None
    further: tuple[str | None, ...] = ()
    left_out: int = 0


class ScopeLoss(NamedTuple):
    """A scope that has lost members which nothing replaced, and how many the latest version has of it."""

    scope: str
    removed: int
    had: int


class Changes(NamedTuple):
    """How a version differs from the one before."""

    added: int
    changed: int
    removed: int
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


class RefusalRow(NamedTuple):
    """A unit left out on purpose: by whose rule, until when, and the way past it.

    `version` and `remedy` are empty where nobody told them.
    """

    key: str
    rule: str
    reason: str
    plugin: str
    stage: str
    scope: str | None
    until: float | None
    version: str = ""
    remedy: str = ""


class Appearance(NamedTuple):
    """An artifact of a statement that a version had; `since` is when that version was made."""

    key: str
    content: int
    relative_path: str
    algorithm: str
    digest: bytes
    since: float
    is_latest: bool


class Past(NamedTuple):
    """What is known of some keys from before a run, each list in order of key."""

    appearances: Sequence[Appearance]
    refusals: Sequence[RefusalRow]


class UnitPast(NamedTuple):
    """What a repository knew of one unit before this run.

    `since` is when the first version with the same bytes under the same key was made, in seconds
    since 1970; None for bytes that no version had. `refusals` are those of its key, oldest first,
    by whatever rule, also of runs that failed or were killed.
    """

    since: float | None
    is_in_latest: bool
    refusals: tuple[RefusalRow, ...]


class FailureRow(NamedTuple):
    """A unit given up on."""

    key: str
    stage: str
    plugin: str
    error: str
    url: str | None
    scope: str | None


class ContentRow(NamedTuple):
    """A member of a version, as the catalog has it."""

    key: str
    content: int
    type: str
    fields: bytes


class PathRow(NamedTuple):
    """An artifact of a member of a version, as its statement declares it; held or not."""

    relative_path: str
    content: int
    algorithm: str
    digest: bytes
    size: int | None


class BodyRow(NamedTuple):
    """A published file: a small body itself, or the digest of bytes that storage holds."""

    relative_path: str
    media_type: str
    body: bytes | None
    artifact: StoredArtifact | None
    headers: str = ""


class Ledger(Protocol):
    """One run's fenced access to the catalog, from taking the lease to the one visible commit."""

    @property
    def run(self) -> int: ...
    @property
    def number(self) -> int:
        """The number that the version under construction will have."""

    @property
    def recovered(self) -> bool:
        """Whether the run before died, failed or was cancelled: bytes may lie in storage unknown."""

    # What the stages ask, a batch at a time; answers stand in the order of the questions.

    async def find_artifacts(self, digests: Sequence[Digest]) -> list[StoredArtifact | None]:
        """Look bytes up by digest, among those that this repository may have."""

    async def adoptable(self, digests: Sequence[bytes]) -> list[bool]:
        """Whether bytes that lie in storage, by sha256, may be taken for this repository's own.

        Only bytes that the catalog does not know; and while another repository is private, none,
        for they may be what that one fetched before it died.
        """

    async def save_artifacts(self, artifacts: Sequence[KeptArtifact]) -> None:
        """Write rows and this repository's holdings of bytes that are already durable."""

    async def find_contents(self, identities: Sequence[bytes], keys: Sequence[str] | None = None) -> list[int | None]:
        """Content numbers of statements that are known already.

        With their keys they are found where upstream lists them together; without, nothing is found.
        """

    async def save_contents(
        self,
        statements: Sequence[Statement],
        *,
        before: Callable[[], None] | None = None,
        after: Callable[[], None] | None = None,
    ) -> list[int]:
        """Write what is not there yet, and return each statement's content number.

        `before` and `after` run on the catalog's thread inside the same transaction.
        """

    async def note_sources(self, sources: Sequence[Source]) -> None: ...

    async def associate(self, members: Sequence[Member]) -> list[Clash]:
        """Declare members, each in place of its predecessor with the same key.

        A key that this run declared before with another content is left as it was and returned.
        """

    async def refuse(self, refusals: Sequence[RefusalRow], *, evict: Sequence[str] = ()) -> None:
        """Record refusals; predecessors with a key in `evict` are removed from the new version.

        They are written with the next transaction, before the seal reads anything, before the run
        ends, and within about a second: a process that is killed may lose the last second's, of a
        run that made no version. Failures likewise. What fails to be written fails a later call.
        """

    async def past(self, keys: Sequence[str]) -> Past:
        """What versions and runs before this one knew of keys."""

    async def fail(self, failures: Sequence[FailureRow], *, keep: bool) -> None:
        """Record failures; with `keep` their predecessors stay, also when mirroring."""

    async def checkpoint(self, scope: str, *, even_void: bool = False) -> str | None:
        """What an earlier run noted for a scope, unless it is void; with `even_void`, also then."""

    async def note_checkpoint(self, scope: str, value: str) -> None:
        """Note it for later runs; it counts once this run has ended well."""

    async def pulled(self, *, after: str = "", limit: int = 2000) -> list[str]:
        """A page, in order, of groups that clients asked for and that an earlier run brought."""

    async def note_pulled(self, group: str) -> None:
        """Note for later runs that a group was asked for and is here; it counts as checkpoints do."""

    async def keep(self, scope: str) -> None: ...
    async def keep_rest(self) -> None: ...
    async def drop(self, scope: str) -> None: ...

    # What the seal asks, once each, in this order.

    async def remove_undeclared(self) -> int:
        """Remove members in no kept scope that nobody declared; how many."""

    async def unmet(self) -> list[Unmet]:
        """Members that need what is not there; they are removed. Cycles stand or fall together."""

    async def contradictions(self, after: tuple[str, str] = ("", ""), limit: int = 1000) -> list[Contradiction]:
        """A page of what was declared against kept scopes; what was declared stands.

        `after` is the key and kept scope of the last one of the page before.
        """

    async def path_clashes(self, limit: int = 20) -> list[PathClash]: ...
    async def changes(self) -> Changes: ...
    async def lost_scopes(self, least: int) -> list[ScopeLoss]:
        """Scopes that lose at least so many members; none when another plan made the latest version."""

    async def contents(
        self, type_name: str, *, where: tuple[str, str] | None = None, after: str = "", limit: int = 2000
    ) -> list[ContentRow]:
        """Members of the version under construction in order of key, a page at a time.

        `where` names an indexed field and its value; `after` is the last key of the page before.
        """

    async def paths(self, type_name: str, *, after: tuple[str, int] = ("", 0), limit: int = 5000) -> list[PathRow]:
        """Artifacts of members in order of path and content, a page at a time."""

    async def values(self, type_name: str, field: str, *, changed: bool = False) -> list[str]:
        """Distinct values of an indexed field, in order; with `changed`, only of what came or went."""

    async def previous_fingerprint(self) -> str | None:
        """The publication fingerprint of the latest finished version."""

    async def publish(self, files: Sequence[BodyRow]) -> None:
        """Put files in place of those at the same path and media type; equal ones change nothing."""

    async def unpublish(self, relative_paths: Sequence[str]) -> None: ...

    async def unpublish_rest(self) -> int:
        """Remove every file that this run did not publish; for a publication written whole."""

    async def complete(self, *, fingerprint: str, report: Mapping[str, Any]) -> float:
        """Make version and publication visible in one small commit; the moment, in seconds since 1970."""

    async def finish(self, outcome: str, report: Mapping[str, Any]) -> None:
        """End a run that made no version: undo what it wrote under its number, note its report.

        `outcome` is "unchanged" (checkpoints count), "failed" or "cancelled" (they do not).
        """
