"""The plugins of one program: which there are, what they brought, and how to ask them."""

from __future__ import annotations

import inspect
import logging
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs
import pluggy

from entrepot.errors import EntrepotError, PluginError, UnknownName
from entrepot.hooks.claims import Claim, merge
from entrepot.hooks.commands import Commands
from entrepot.hooks.loading import ask, find, nobody_asks
from entrepot.hooks.record import BUILTIN, PluginRecord
from entrepot.pipeline.edits import Edit

if TYPE_CHECKING:
    import click

    from entrepot.assembly.outcome import SyncOutcome
    from entrepot.assembly.registrations import Executor, FirstStage, Importer, Publisher
    from entrepot.model.content import Content
    from entrepot.model.context import RunContext
    from entrepot.pipeline.plan import Plan

log = logging.getLogger(__name__)


class Plugins:
    """Every plugin found, and what the working ones registered; made with `load`.

    Mappings go from a name to what was registered under it. `records` lists all plugins in order
    of name, those left out with the reason. `unknown_blocks` are names that were to be left out and
    belong to no plugin.
    """

    def __init__(self, manager: pluggy.PluginManager, records: list[PluginRecord], *, claims: Iterable[Claim]) -> None:
        self.records = sorted(records, key=lambda record: record.name)
        self._brought_by = {record.name: f"{record.distribution} {record.version}".strip() for record in self.records}
        self._claims, self.conflicts = merge(claims, self._brought_by)
        self._manager = manager
        self.unknown_blocks: tuple[str, ...] = ()

    @classmethod
    def load(
        cls,
        *,
        blocked: Collection[str] = (),
        builtin: object,
        extra: Sequence[tuple[str, object]] = (),
        installed: bool = True,
        begin: Callable[[str], None] = nobody_asks,
    ) -> Plugins:
        """Load what is installed, what core ships, and what is handed in by name.

        One of `extra` stands in for an installed plugin of the same name. Plugins that break are
        recorded and left out; two that claim one thing are a `PluginError` naming both. `begin` is
        told the name of each before its code is run.
        """
        plugins = cls.survey(blocked=blocked, builtin=builtin, extra=extra, installed=installed, begin=begin)
        if len(plugins.conflicts) > 1:
            raise ExceptionGroup("plugins claim the same things", plugins.conflicts)
        for conflict in plugins.conflicts:
            raise conflict
        return plugins

    @classmethod
    def survey(
        cls,
        *,
        blocked: Collection[str] = (),
        builtin: object,
        extra: Sequence[tuple[str, object]] = (),
        installed: bool = True,
        begin: Callable[[str], None] = nobody_asks,
    ) -> Plugins:
        """As `load`, but leaves claims that clash in `conflicts`; only to be looked at then."""
        found = find(blocked=blocked, builtin=builtin, extra=extra, installed=installed, begin=begin)
        records = [*(each.record for each in found.working), *found.left_out]
        plugins = cls(found.manager, records, claims=[claim for each in found.working for claim in each.claims])
        known = {name for record in records for name in (record.name, record.distribution)}
        plugins.unknown_blocks = tuple(name for name in blocked if name not in known)
        return plugins

    @property
    def content_types(self) -> Mapping[str, type[Content]]:
        """Content classes by type name."""
        return self._held("content type")

    @property
    def first_stages(self) -> Mapping[str, FirstStage]:
        """First stages by repository type."""
        return self._held("first stage")

    @property
    def publishers(self) -> Mapping[str, Publisher]:
        """Publishers by repository type."""
        return self._held("publisher")

    @property
    def storages(self) -> Mapping[str, Callable[..., Any]]:
        """Storage factories by URL scheme."""
        return self._held("storage")

    @property
    def downloaders(self) -> Mapping[str, Callable[..., Any]]:
        """Fetcher factories by URL scheme."""
        return self._held("downloader")

    @property
    def executors(self) -> Mapping[str, Executor]:
        """Executors by name."""
        return self._held("executor")

    @property
    def importers(self) -> Mapping[str, tuple[str, Importer]]:
        """Importers by name, each behind the repository type that it is of."""
        return self._held("importer")

    def _held(self, kind: str) -> Mapping[str, Any]:
        return MappingProxyType({name: claim.value for name, claim in self._claims[kind].items()})

    def origin(self, kind: str, name: str) -> str:
        """Which plugin registered a name; `kind` is "first stage", "content type" and so on."""
        return self._claims[kind][name].plugin

    def first_stage(self, type_name: str, *, where: str = "") -> FirstStage:
        """What begins the sync of a repository type; `UnknownName` when no working plugin brings it."""
        claim = self._claims["first stage"].get(type_name)
        if claim is None:
            raise UnknownName("repository type", type_name, self.first_stages, where, self._remedy())
        stage: FirstStage = claim.value
        return stage

    def _remedy(self) -> str:
        out = [record.name for record in self.records if record.state != "active"]
        if out:
            return f"see why these plugins take no part: {', '.join(out)}: entrepot plugins"
        return (
            "" if self.first_stages else "install a plugin, such as entrepot-file or entrepot-python, beside entrepot"
        )

    def open_storage(self, url: str) -> Any:
        """Open the storage that a URL names, with whichever plugin brings its scheme."""
        scheme = url.partition(":")[0].lower()
        if scheme not in self.storages:
            raise UnknownName("storage scheme", scheme, self.storages, where="depot.storage")
        return self.storages[scheme](url)

    def executor(self, name: str, *, where: str = "") -> Executor:
        """Who runs syncs under a name; `UnknownName` when no working plugin brings it."""
        if name not in self.executors:
            raise UnknownName("executor", name, self.executors, where)
        return self.executors[name]

    def publisher(self, type_name: str) -> tuple[str, Publisher] | None:
        """Who publishes a repository type, and how; None when nobody does."""
        claim = self._claims["publisher"].get(type_name)
        return None if claim is None else (claim.plugin, claim.value)

    def fingerprint(self) -> str:
        """Which plugins, in which versions, take part; equal as long as nothing was changed."""
        return ",".join(f"{record.name}={record.version}" for record in self.records if record.state == "active")

    def version(self, plugin: str) -> str:
        """The version of one that takes part, or empty where none is known."""
        return next((record.version for record in self.records if record.name == plugin), "")

    def plan_edits(self, plan: Plan, context: RunContext) -> dict[str, Sequence[Edit]]:
        """Ask each plugin how it would change the plan; every one is shown the same.

        What a plugin raises ends the run before it begins, with the plugin's name.
        """
        edits = {name: self._edits_of(name, plan, context) for name in self._answering("entrepot_edit_plan")}
        return {name: given for name, given in edits.items() if given}

    def try_edits(self, plan: Plan, context: RunContext) -> dict[str, Exception]:
        """Ask each plugin as `plan_edits` does, drop the edits, and tell what each one raised."""
        trouble: dict[str, Exception] = {}
        for name in self._answering("entrepot_edit_plan"):
            try:
                self._edits_of(name, plan, context)
            except (EntrepotError, ExceptionGroup) as error:
                trouble[name] = error
        return trouble

    def check_tables(self, names: Iterable[str], *, where: str) -> None:
        """Refuse options of plugins that are not there: who wrote them believes that they count.

        The table of a plugin that is blocked may stay: it is left out on purpose. Raises `UnknownName`,
        or `PluginError` for one that is broken.
        """
        records = {record.name: record for record in self.records}
        for name in names:
            place = f"{where}.plugins.{name}"
            if name not in records:
                remedy = (
                    "install the plugin, correct its name, or take the table out; these there are: entrepot plugins"
                )
                raise UnknownName("plugin", name, records.keys() - {BUILTIN}, place, remedy)
            if records[name].state == "broken":
                raise PluginError(
                    f"plugin {name!r} is broken, so its options do not count: {records[name].reason}",
                    where=place,
                    remedy=f"mend it: entrepot plugins; or go without it: entrepot --block {name} ...",
                )

    def _edits_of(self, plugin: str, plan: Plan, context: RunContext) -> list[Edit]:
        try:
            answers = ask(self._manager, plugin, "entrepot_edit_plan", plan=plan, context=context)
        except EntrepotError as error:
            error.at(f"plugin {plugin!r}, entrepot_edit_plan")
            raise
        except (Exception, SystemExit) as error:
            if isinstance(error, ExceptionGroup) and error.split(EntrepotError)[1] is None:
                raise  # several mistakes in its options, each told in our words
            raise PluginError(
                f"plugin {plugin!r} raised {type(error).__name__} when asked to edit the plan: {error}",
                where="entrepot_edit_plan",
                remedy=f"leave it out: entrepot --block {plugin} ...; --debug shows the traceback",
            ) from error
        return [edit for answer in answers for edit in _listed(plugin, answer)]

    def tell_started(self, context: RunContext) -> None:
        """Tell every plugin that a sync begins; what they raise is logged."""
        self._tell("entrepot_on_sync_started", context=context)

    def tell_finished(self, context: RunContext, outcome: SyncOutcome | BaseException) -> None:
        """Tell every plugin how a sync ended; what they raise is logged."""
        self._tell("entrepot_on_sync_finished", context=context, outcome=outcome)

    def _tell(self, hook: str, **arguments: Any) -> None:
        for name in self._answering(hook):
            try:
                ask(self._manager, name, hook, **arguments)
            except (Exception, SystemExit):
                log.warning("plugin %r raised when told %s", name, hook, exc_info=True)

    def owner_of(self, package: str) -> str | None:
        """The plugin whose code an outermost package holds; None for what none of them brought."""
        names = (name for name, plugin in self._manager.list_name_plugin() if plugin is not None)
        return next((name for name in names if name != BUILTIN and self.package_of(name) == package), None)

    def package_of(self, name: str) -> str:
        """The outermost package that holds a plugin's code."""
        plugin = self._manager.get_plugin(name)
        module = plugin.__name__ if inspect.ismodule(plugin) else type(plugin).__module__
        return module.partition(".")[0]

    def add_commands(self, group: click.Group, begin: Callable[[str], None] = nobody_asks) -> None:
        """Let every plugin add its commands; one whose commands break keeps what else it brought.

        Raises a `PluginError` naming both when two claim one name.
        """
        commands = Commands(group, self._brought_by)
        for name in self._answering("entrepot_register_commands"):
            begin(name)
            try:
                with commands.of(name):
                    ask(self._manager, name, "entrepot_register_commands", group=group)
            except PluginError:
                raise
            except (Exception, SystemExit) as error:
                self._note(name, f"its commands are left out: {type(error).__name__}: {error}")

    def _note(self, name: str, reason: str) -> None:
        self.records = [
            attrs.evolve(record, reason=reason, traceback=traceback.format_exc()) if record.name == name else record
            for record in self.records
        ]

    def _answering(self, hook: str) -> list[str]:
        return [record.name for record in self.records if record.state == "active" and hook in record.hooks]


def _listed(plugin: str, answer: object) -> list[Edit]:
    if isinstance(answer, list | tuple) and all(isinstance(edit, Edit) for edit in answer):
        return list(answer)
    raise PluginError(
        f"plugin {plugin!r} answered {answer!r} where a list of edits is expected",
        where="entrepot_edit_plan",
        remedy="return [after(...), ...], or [] to leave the plan alone",
    )
