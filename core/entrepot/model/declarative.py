"""Units on their way through the stages: what should exist, with what is known so far."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeVar

import attrs

from entrepot.errors import EntrepotError, Failed, Refused
from entrepot.model.content import (
    ArtifactLink,
    Content,
    encode_fields,
    encode_said,
    identity,
    natural_key,
    shape_of,
)
from entrepot.model.relative_path import relative_path as checked_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager

    from entrepot.model.artifact import Artifact, StoredArtifact
    from entrepot.model.incoming import Closable, Received
    from entrepot.model.remote import Remote

R = TypeVar("R")


class Patience(Protocol):
    """How to wait within a running sync, so that no batch is held back from whoever waits."""

    async def wait_for(self, future: asyncio.Future[R]) -> R:
        """Wait for what a later stage completes; `PipelineStopped` when the run ends first."""

    def waiting(self) -> AbstractContextManager[None]:
        """Count as one who waits while the block runs."""

    def hurrying(self) -> AbstractContextManager[None]:
        """Let no stage hold units back while the block runs."""


#: Characters of a key that are told: it may hold what an upstream wrote, at any length.
_LONGEST_TOLD: Final = 300

#: The running sync's way to wait, in the task of each of its stages and in tasks they start.
PATIENCE: ContextVar[Patience | None] = ContextVar("PATIENCE", default=None)


@attrs.frozen
class Declared:
    """Nothing is known of the artifact beyond what upstream declares."""


@attrs.frozen
class Fetched:
    """The bytes are here and verified, not yet kept; whoever keeps or drops them ends the lease."""

    received: Received
    lease: Closable | None = None

    def discard(self) -> None:
        """Drop the bytes and give back their share of the budget."""
        self.received.discard()
        self.release()

    def release(self) -> None:
        """Give back the share of the budget: the bytes are kept elsewhere now."""
        if self.lease is not None:
            self.lease.close()


@attrs.frozen
class Stored:
    """Storage holds the bytes, and the catalog knows them."""

    artifact: StoredArtifact


ArtifactState: TypeAlias = Declared | Fetched | Stored

DECLARED: Final = Declared()


class DeclarativeArtifact:
    """Relates an artifact, where to download it, and the path it is published at.

    `urls` are places tried in turn; `url` is the first of them. `deferred_download=False` means:
    download during the sync. A first stage that follows the repository's policy passes
    `remote.deferred`. Raises `ValueError` naming what is missing.
    """

    __slots__ = ("artifact", "deferred_download", "extra_data", "relative_path", "remote", "state", "urls")

    def __init__(
        self,
        artifact: Artifact | None = None,
        url: str | None = None,
        relative_path: str | None = None,
        remote: Remote | None = None,
        extra_data: dict[str, Any] | None = None,
        deferred_download: bool = False,
        *,
        urls: Sequence[str] | None = None,
    ) -> None:
        if artifact is None:
            raise ValueError("a DeclarativeArtifact needs an artifact")
        places = tuple(urls) if urls else (url,) if url else ()
        if not places and artifact.file is None:
            raise ValueError("a DeclarativeArtifact needs a url (or urls)")
        if relative_path is None:
            raise ValueError("a DeclarativeArtifact needs a relative_path")
        if remote is None and artifact.file is None:
            raise ValueError("a DeclarativeArtifact needs a remote, as its artifact has no file")
        self.artifact = artifact
        self.urls: tuple[str, ...] = places
        self.relative_path = checked_path(relative_path)
        self.remote = remote
        self.extra_data = extra_data if extra_data is not None else {}
        self.deferred_download = deferred_download
        self.state: ArtifactState = DECLARED

    @property
    def url(self) -> str | None:
        """The first place to try."""
        return self.urls[0] if self.urls else None

    def link(self) -> ArtifactLink:
        """The artifact as its statement names it: the declared digest, else the computed sha256."""
        digest = self.artifact.preferred
        size = self.artifact.size
        if digest is not None:
            return ArtifactLink(self.relative_path, digest.algorithm, digest.value, size)
        match self.state:
            case Stored(artifact=stored):
                return ArtifactLink(self.relative_path, "sha256", stored.sha256, stored.size)
            case Fetched(received=received):
                return ArtifactLink(self.relative_path, "sha256", received.sha256, received.size)
            case Declared():
                raise EntrepotError(
                    f"artifact {self.relative_path!r} has no digest before it is downloaded",
                    remedy="declare a digest, or pass deferred_download=False",
                )

    def __repr__(self) -> str:
        return f"DeclarativeArtifact({self.relative_path!r}, {type(self.state).__name__.lower()})"


class DeclarativeContent:
    """A unit: a statement that should be in the new version, with its artifacts.

    `scope` names the part of the upstream it came from. `depends_on` are natural keys or units,
    recorded and not waited for. Raises `ValueError` when `content` is missing.
    """

    # Defaults stand on the class: a sync makes very many units, and most keep most of these.
    _content_id: int | None = None
    _identity: bytes | None = None
    _key: str | None = None
    _fields: bytes | None = None
    _links: Sequence[ArtifactLink] | None = None
    _saved_by: str | None = None
    _future: asyncio.Future[Content] | None = None
    _outcome: Refused | Failed | None = None
    _left_out_by = ""
    _resolved = False

    def __init__(
        self,
        content: Content | None = None,
        d_artifacts: Iterable[DeclarativeArtifact] | None = None,
        extra_data: dict[str, Any] | None = None,
        *,
        scope: str | None = None,
        depends_on: Sequence[str | DeclarativeContent] = (),
    ) -> None:
        if content is None:
            raise ValueError("a DeclarativeContent needs a content")
        self._content = content
        self.d_artifacts: list[DeclarativeArtifact] = list(d_artifacts) if d_artifacts is not None else []
        self.extra_data = extra_data if extra_data is not None else {}
        self.scope = scope
        self.depends_on = depends_on

    @property
    def content(self) -> Content:
        """The statement. Assigning another forgets what was looked up for the old one."""
        return self._content

    @content.setter
    def content(self, content: Content) -> None:
        if self._saved_by is not None:
            raise EntrepotError(
                f"{self.describe()} was already saved by stage {self._saved_by!r}",
                remedy="put the stage that changes it before ContentSaver: before(ContentSaver, YourStage())",
            )
        self._content = content
        self._content_id = self._identity = self._key = self._fields = self._links = None

    @property
    def key(self) -> str:
        """What the statement is about, as `natural_key` writes it."""
        if self._key is None:
            self._key = natural_key(self._content)
        return self._key

    @property
    def identity(self) -> bytes:
        """The digest of all that the statement says; needs each artifact's digest to be known."""
        if self._identity is None:
            derives = shape_of(type(self._content)).derived
            said = encode_said(self._content) if derives else self.fields
            self._identity = identity(self._content, said, self.links)
        return self._identity

    @property
    def fields(self) -> bytes:
        """The statement's fields as the catalog keeps them."""
        if self._fields is None:
            self._fields = encode_fields(self._content)
        return self._fields

    @property
    def links(self) -> Sequence[ArtifactLink]:
        """The artifacts as the statement names them."""
        if self._links is None:
            self._links = [artifact.link() for artifact in self.d_artifacts]
        return self._links

    @property
    def content_id(self) -> int | None:
        """The catalog's number for the statement, once found or saved."""
        return self._content_id

    def found(self, content_id: int) -> None:
        """Note that the catalog already has this statement."""
        self._content_id = content_id

    def saved(self, by: str) -> None:
        """Note that the catalog has the statement for good; from here on it cannot be changed."""
        self._saved_by = by

    @property
    def outcome(self) -> Refused | Failed | None:
        """Why the unit was left out, or None while it is on its way."""
        return self._outcome

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for the unit to be saved."""
        return self._future is not None and not self._future.done()

    @property
    def left_out_by(self) -> str:
        """Which stage left the unit out, of which plugin; else empty."""
        return self._left_out_by

    def leave_out(self, why: Refused | Failed, *, by: str = "") -> None:
        """End the unit's way: drop what was fetched for it, and tell whoever awaits it."""
        self._outcome, self._left_out_by = why, by
        for artifact in self.d_artifacts:
            if isinstance(artifact.state, Fetched):
                artifact.state.discard()
                artifact.state = DECLARED
        if self._future is not None and not self._future.done():
            self._future.set_exception(why)

    def resolve(self) -> Content:
        """Wake whoever awaits the unit, and return its content."""
        self._resolved = True
        if self._future is not None and not self._future.done():
            self._future.set_result(self._content)
        return self._content

    async def resolution(self) -> Content:
        """Wait until the content is saved, and return it.

        Raises `Refused` or `Failed` for a unit that was left out, and `PipelineStopped` when the
        run ends first. Waiting inside a stage never dead-locks the pipeline.
        """
        if self._outcome is not None:
            raise self._outcome
        if self._resolved:
            return self._content
        if self._future is None:
            self._future = asyncio.get_running_loop().create_future()
        patience = PATIENCE.get()
        return await (patience.wait_for(self._future) if patience is not None else asyncio.shield(self._future))

    def describe(self) -> str:
        """Name the unit to a person: its type and key, in bounds, and with nothing that a terminal obeys."""
        return f"unit {told(self.key)}"

    def __repr__(self) -> str:
        return f"DeclarativeContent({self.key})"


def told(key: str) -> str:
    """A natural key as people are told it: in bounds, and with nothing that a terminal obeys."""
    key = key if len(key) <= _LONGEST_TOLD else f"{key[:_LONGEST_TOLD]}..."
    if key.isprintable():
        return key
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in key)
