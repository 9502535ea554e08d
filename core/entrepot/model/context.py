"""What a sync tells to those who take part in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from entrepot.model.artifact import Artifact
    from entrepot.model.remote import Policy, Remote
    from entrepot.model.repository import Repository


class RunContext(Protocol):
    """What is known before a sync starts; plugins get it when the plan is assembled.

    `options` is the value of the repository type's own options class, and
    `plugin_options(name)` that of a stage plugin's.
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

    def plugin_options(self, plugin: str) -> Any:
        """The options of one stage plugin for this repository."""


class SyncContext(RunContext, Protocol):
    """What stages reach through `self.context` while the sync runs."""

    async def checkpoint(self, scope: str) -> str | None:
        """What an earlier run noted for a scope (an ETag, a serial), or None when it is void."""

    async def note_checkpoint(self, scope: str, value: str) -> None:
        """Note it for later runs; it counts once this run has ended well."""

    def open(self, artifact: Artifact) -> AsyncIterator[bytes]:
        """Stream bytes that storage holds."""
