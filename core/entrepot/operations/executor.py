"""Which executor runs the syncs of a command, and making it ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from entrepot.assembly.registrations import ExecutorContext
from entrepot.errors import ConfigurationError, EntrepotError, PluginError
from entrepot.settings.structure import structure_options

if TYPE_CHECKING:
    from entrepot.assembly.registrations import Executor
    from entrepot.depot import Depot
    from entrepot.model.job import JobRunner, SyncHere


@attrs.frozen
class Chosen:
    """An executor that is ready, by the name it was asked for."""

    name: str
    plugin: str
    runner: JobRunner
    in_process: bool


def choose(depot: Depot, name: str | None, sync_here: SyncHere) -> Chosen:
    """Make ready the executor of this name, or of the configuration where none is named.

    Raises a `ConfigurationError` where there is none, its options do not fit, or it runs syncs in
    processes that could not see what this depot holds.
    """
    file = depot.settings.file or "entrepot.toml"
    wanted = name or depot.settings.executor
    executor = depot.plugins.executor(wanted, where="--executor" if name else f"{file}, depot.executor")
    for table in depot.settings.executors:
        depot.plugins.executor(table, where=f"{file}, depot.executors.{table}")
    if not executor.in_process and getattr(depot.storage, "in_process", False):
        raise ConfigurationError(
            f"executor {wanted!r} syncs in other processes, and no other process sees what this depot stores",
            where=f"{file}, depot.storage",
            remedy='keep bytes in a folder: storage = "file:///..."; or sync here: --executor local',
        )
    options = _options(depot, executor, f"{file}, depot.executors.{wanted}")
    plugin = depot.plugins.origin("executor", wanted)
    return Chosen(wanted, plugin, _made(executor, plugin, options, sync_here), executor.in_process)


def _options(depot: Depot, executor: Executor, where: str) -> Any:
    said = depot.settings.executors.get(executor.name, {})
    return structure_options(executor.options, said, where=where, environ=depot.settings.environ)


def _made(executor: Executor, plugin: str, options: Any, sync_here: SyncHere) -> JobRunner:
    try:
        runner = executor.make(ExecutorContext(options=options, sync_here=sync_here))
        at_once = runner.at_once
    except EntrepotError:
        raise
    except Exception as error:
        raise _unfit(executor, plugin, f"raised {type(error).__name__} when made: {error}") from error
    if isinstance(at_once, bool) or not isinstance(at_once, int) or at_once < 1:
        raise _unfit(executor, plugin, f"takes {at_once!r} syncs at one time")
    return runner


def _unfit(executor: Executor, plugin: str, what: str) -> PluginError:
    return PluginError(
        f"executor {executor.name!r} {what}",
        where=f"plugin {plugin!r}, entrepot_register_executors",
        remedy="mend the plugin, or sync here: --executor local",
    )
