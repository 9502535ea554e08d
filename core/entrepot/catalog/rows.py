"""What the catalog takes and gives, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import attrs

from entrepot.model.artifact import StoredArtifact
from entrepot.model.digest import Digest
from entrepot.model.ledger import ContentRow, FailureRow, RefusalRow


@attrs.frozen(kw_only=True)
class RunRequest:
    """What a run says of itself when it asks for its repository.

    `plan_fingerprint` stands for everything that decides what a checkpoint is worth: plugins and
    their versions, options, policy, URL.
    """

    repository: str
    type: str
    private: bool
    mirror: bool
    plan_fingerprint: str


class RepositoryRow(NamedTuple):
    """A repository as it stands; `latest` and `completed` are None before its first version."""

    name: str
    type: str
    private: bool
    latest: int | None
    completed: float | None
    members: int
    versions: int


class VersionRow(NamedTuple):
    """A finished version; `completed` is in seconds since 1970."""

    repository: str
    number: int
    completed: float
    members: int
    fingerprint: str
    report: Mapping[str, Any]


class DiffRow(NamedTuple):
    """How one key differs between two versions."""

    key: str
    change: Literal["added", "changed", "removed"]
    before: ContentRow | None
    after: ContentRow | None


class Located(NamedTuple):
    """One answer for a path: a published file, or an artifact of a content.

    A published file has a media type, and either its body or a stored artifact. A content artifact
    has what was declared, where it can be had, and the stored artifact if this repository may have
    the bytes and they are held. `headers` are those of a published file, as `written_headers` has them.
    """

    relative_path: str
    media_type: str | None
    body: bytes | None
    artifact: StoredArtifact | None
    declared: Digest | None
    size: int | None
    content: int | None
    urls: tuple[str, ...]
    headers: str = ""


class RunRow(NamedTuple):
    """A run, under way or ended; `outcome` is None for as long as nobody knows."""

    id: int
    started: float
    ended: float | None
    outcome: str | None
    version: int | None
    report: Mapping[str, Any]


class Stay(NamedTuple):
    """A statement's time in a repository, from version `added` to the one before `removed`.

    `removed` is None while it is there; `run` is the run that made version `added`.
    """

    added: int
    removed: int | None
    scope: str | None
    run: int


class RefusalNote(NamedTuple):
    """A refusal and the run that made it, without that run's report."""

    run: RunRow
    row: RefusalRow


class FailureNote(NamedTuple):
    """A failure and the run that met it, without that run's report."""

    run: RunRow
    row: FailureRow


class Story(NamedTuple):
    """All that is known of one key when `latest` was the latest version; notes have the latest first."""

    key: str
    latest: int
    stays: list[Stay]
    refusals: list[RefusalNote]
    failures: list[FailureNote]
