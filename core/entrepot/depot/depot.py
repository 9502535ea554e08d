"""Wires everything once: settings, plugins, catalog, storage, downloads."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from entrepot.assembly.request import SyncRequest
from entrepot.assembly.take_in import TakeIn
from entrepot.catalog.catalog import Catalog
from entrepot.depot.combination import make_combination
from entrepot.depot.workshop import DepotWorkshop
from entrepot.errors import ConfigurationError
from entrepot.model.remote import Remote, without_password
from entrepot.model.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from entrepot.assembly.registrations import FirstStage, Intake
    from entrepot.depot.combination import Combination
    from entrepot.hooks.manager import Plugins
    from entrepot.model.upload import Upload
    from entrepot.settings import RepositorySettings, Settings
    from entrepot.stages.stage import Stage
    from entrepot.storage.protocol import Storage


class Depot:
    """Everything opened, to be closed once; what the command line, the server and tests share."""

    def __init__(self, settings: Settings, plugins: Plugins, *, catalog: Catalog, storage: Storage) -> None:
        self.settings = settings
        self.plugins = plugins
        self.catalog = catalog
        self.storage = storage
        self.workshop = DepotWorkshop(self)
        self._default_urls: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close storage and catalog; scratch files go."""
        with ExitStack() as closing:
            closing.callback(self.catalog.close)
            closing.callback(self.storage.close)
            closing.callback(self.workshop.close)

    def repository(self, name: str) -> Repository:
        """A configured repository, bound: it can be synced into."""
        configured = self.settings.repository(name)
        return Repository(configured.name, configured.type, private=configured.private, workshop=self.workshop)

    def remote(self, name: str) -> Remote:
        """Where a configured repository's content comes from, bound: it can download.

        Of a repository that takes uploads the URL is empty: nothing can be fetched from there.
        """
        configured = self.settings.repository(name)
        asked = "" if configured.uploads else configured.url or self._default_url(configured)
        url, access = without_password(asked, configured.access)
        return Remote(
            url,
            policy=configured.policy,
            access=access,
            politeness=configured.politeness,
            workshop=self.workshop,
        )

    def first_stage(self, name: str) -> FirstStage:
        """How the type of a configured repository is read; `UnknownName` when no plugin brings it."""
        configured = self.settings.repository(name)
        return self.plugins.first_stage(configured.type, where=configured.place)

    def combination(self, name: str) -> Combination:
        """A configured combination; raises as `make_combination` says."""
        return make_combination(self.settings, self.plugins, name)

    def request(self, name: str) -> SyncRequest:
        """What the configuration asks of a sync of this repository."""
        configured = self.settings.repository(name)
        first = self.first_stage(name)
        self.plugins.check_tables(configured.plugins, where=configured.place)
        if configured.uploads:
            self.intake(name)
        if configured.pull_through and first.pulls is None:
            raise ConfigurationError(
                f"repositories of type {configured.type!r} cannot fetch what they are asked for",
                where=f"{configured.place}.pull_through",
                remedy="take pull_through out",
            )
        return SyncRequest(
            repository=self.repository(name),
            remote=self.remote(name),
            brought_by=self.plugins.origin("first stage", configured.type),
            mirror=configured.mirror,
            options=configured.options_as(first.options),
            on_error=configured.on_error,
            guard_loss=configured.guard_loss.part,
            pull_through=configured.pull_through,
            uploads=configured.uploads,
            plugin_tables=configured.plugins,
            read_table=configured.plugin_options_as,
        )

    def begin(self, request: SyncRequest) -> Stage:
        """Make what a run of the request begins with; one of a repository that takes uploads declares none."""
        if request.uploads:
            return self.intake_stage(request, ())
        return self.first_stage(request.repository.name).make(request)

    def intake_stage(self, request: SyncRequest, uploads: Sequence[Upload]) -> TakeIn:
        """Make the stage that declares uploads."""
        intake = self.intake(request.repository.name)
        return TakeIn(uploads, intake.make(request), receiver=self.storage)

    def withdrawal_stage(self, request: SyncRequest, names: Sequence[str]) -> Stage:
        """Make the stage that lets uploaded files go."""
        from entrepot.assembly.take_out import TakeOut  # noqa: PLC0415  # only a withdrawal needs it

        reader = self.intake(request.repository.name).make(request)
        return TakeOut(names, reader, types=self.plugins.content_types.values())

    def intake(self, name: str) -> Intake:
        """Who reads what is uploaded to a repository; `ConfigurationError` when it takes nothing."""
        configured, intake = self.settings.repository(name), self.first_stage(name).intake
        if intake is None or not configured.uploads:
            whose = f"repository {name!r}" if intake else f"every repository of type {configured.type!r}"
            raise ConfigurationError(
                f"{whose} takes no uploads",
                where=configured.place,
                remedy="a repository that mirrors takes none; add one that says uploads = true, without a url"
                if intake
                else "take uploads out, or choose a type whose plugin takes some",
            )
        return intake

    def _default_url(self, configured: RepositorySettings) -> str:
        known = self._default_urls.get(configured.type)
        if known is not None:
            return known
        ask = self.first_stage(configured.name).default_url
        if ask is None:
            raise ConfigurationError(
                f"repository {configured.name!r} has no url",
                where=configured.place,
                remedy=f'write url = "https://..." there, for type {configured.type!r} knows no default',
            )
        return self._default_urls.setdefault(configured.type, ask())


def open_depot(
    settings: Settings, plugins: Plugins, *, create: bool = False, clock: Callable[[], float] = time.time
) -> Depot:
    """Open what the settings name; with `create`, make what is not there yet.

    Raises a `DepotError` with a remedy when catalog or storage cannot be opened as they are.
    """
    storage = plugins.open_storage(settings.storage)
    with ExitStack() as undo:
        undo.callback(storage.close)
        if create:
            settings.home.mkdir(parents=True, exist_ok=True)
            storage.prepare()
        catalog = Catalog.open(settings.catalog, locks=settings.home / "locks", clock=clock, create=create)
        undo.pop_all()
    return Depot(settings, plugins, catalog=catalog, storage=storage)
