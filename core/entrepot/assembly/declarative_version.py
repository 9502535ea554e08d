"""The front of a sync, as plugin authors call it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from entrepot.errors import EntrepotError
from entrepot.model.repository import RepositoryVersion

if TYPE_CHECKING:
    from entrepot.model.repository import Repository
    from entrepot.stages.stage import Stage


class DeclarativeVersion:
    """Makes a new version of a repository from the stream that a first stage puts out.

    The repository must be bound to a depot. With `mirror`, content that the stream does not
    declare is not in the new version; without, it stays.
    """

    def __init__(self, first_stage: Stage, repository: Repository | RepositoryVersion, mirror: bool = False) -> None:
        self.first_stage = first_stage
        self.repository = repository.repository if isinstance(repository, RepositoryVersion) else repository
        self.mirror = mirror

    def create(self) -> RepositoryVersion | None:
        """Run the sync to its end; None when nothing differs from the latest version.

        Starts an event loop of its own; inside a running one, use `create_async`.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self.create_async())
        raise EntrepotError(
            "create() was called inside a running event loop",
            remedy="write: await DeclarativeVersion(...).create_async()",
        )

    async def create_async(self) -> RepositoryVersion | None:
        """Run the sync inside the running loop. Cancelling leaves the version before as it was."""
        return await self.repository.workshop.sync(self.first_stage, self.repository, mirror=self.mirror)
