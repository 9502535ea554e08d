"""What a depot lends to a sync."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import attrs

from entrepot.events import Listener, nobody
from entrepot.pipeline.vigil import Limits

if TYPE_CHECKING:
    from entrepot.assembly.outcome import SyncOutcome
    from entrepot.assembly.registrations import Publisher
    from entrepot.assembly.request import SyncRequest
    from entrepot.catalog.catalog import Catalog
    from entrepot.download.downloads import Downloads
    from entrepot.pipeline.edits import Edit
    from entrepot.pipeline.plan import Plan
    from entrepot.storage.protocol import Storage


class PluginAnswers(Protocol):
    """What plugins say to one sync; they are asked once, when it is assembled."""

    def plan_edits(self, plan: Plan, context: SyncRequest) -> Mapping[str, Sequence[Edit]]:
        """The edits of each plugin, by its name."""

    def publisher(self, type_name: str) -> tuple[str, Publisher] | None:
        """Who publishes a repository type, and how."""

    def fingerprint(self) -> str:
        """Which plugins, in which versions, take part."""

    def version(self, plugin: str) -> str:
        """The version of one that takes part, or empty where none is known."""

    def tell_started(self, context: SyncRequest) -> None: ...
    def tell_finished(self, context: SyncRequest, outcome: SyncOutcome | BaseException) -> None: ...


@attrs.frozen(kw_only=True)
class Equipment:
    """Catalog, storage, downloads and plugins of one sync, and who listens to it."""

    catalog: Catalog
    storage: Storage
    downloads: Downloads
    plugins: PluginAnswers
    listener: Listener = nobody
    clock: Callable[[], float]
    limits: Limits = attrs.field(factory=Limits)

    def limits_now(self) -> Limits:
        """The limits, told by what is downloaded and asked of the catalog that something moves."""
        return attrs.evolve(
            self.limits, moved=lambda: self.downloads.files + self.downloads.bytes + self.catalog.statements.calls
        )
