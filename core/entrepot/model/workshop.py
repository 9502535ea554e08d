"""What the depot lends to repositories and remotes, so that values can act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping

    from entrepot.model.artifact import Artifact
    from entrepot.model.downloading import Downloader, Validator
    from entrepot.model.remote import Remote
    from entrepot.model.repository import Repository, RepositoryVersion


class Runnable(Protocol):
    """The part of a stage that the model may know of."""

    def run(self) -> Awaitable[None]: ...


class Workshop(Protocol):
    """Downloads, opens and syncs on behalf of bound values; the depot makes the one there is."""

    def downloader(
        self,
        remote: Remote,
        url: str,
        *,
        artifact: Artifact | None,
        validator: Validator | None,
        headers: Mapping[str, str] | None,
    ) -> Downloader: ...

    def open(self, artifact: Artifact) -> AsyncIterator[bytes]:
        """Stream stored bytes; raises when storage does not hold them."""

    async def sync(self, first_stage: Runnable, repository: Repository, *, mirror: bool) -> RepositoryVersion | None:
        """Run a sync; None when nothing differs from the latest version."""
