"""Every hook there is, in order of when it is called: register, edit, then told.

What core ships answers the same hooks. Plugins are asked in order of their names, wherever and
whenever they were installed. No hook is called per unit.
"""

# mypy: disable-error-code="empty-body"
# What a spec promises is its signature; pluggy never runs its body.

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    import click

    from entrepot.assembly.outcome import SyncOutcome
    from entrepot.assembly.registrations import Executor, FirstStage, Publisher
    from entrepot.model.content import Content
    from entrepot.model.context import RunContext
    from entrepot.pipeline.edits import Edit
    from entrepot.pipeline.plan import Plan

GROUP = "entrepot"
"""The entry point group that plugins are found in."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)
"""Marks the functions of a plugin that answer a hook of their name."""


@hookspec
def entrepot_register_content_types() -> Sequence[type[Content]]:
    """Bring in content classes.

    When:     once, when plugins are loaded; before any depot is opened.
    Who:      every plugin; a type name belongs to one plugin alone.
    Return:   classes made with `@attrs.frozen` from `Content`, each with a `TYPE` and a `key()`.
    Fails:    `PluginError` when two plugins claim one name; a class that lacks something leaves the
              plugin out as broken.
    Don't:    rename a `TYPE` that depots hold already: its contents would be of unknown type.
    Example:  plugin_examples/entrepot-file

    >>> def entrepot_register_content_types():
    ...     return [FileContent]
    """


@hookspec
def entrepot_register_first_stages() -> Sequence[FirstStage]:
    """Bring in repository types: what begins a sync, and the options it takes.

    When:     once, when plugins are loaded; `make` of each is called once per sync.
    Who:      every plugin; a repository type belongs to one plugin alone.
    Return:   `FirstStage` values.
    Fails:    `PluginError` when two plugins claim one type; anything that is not a `FirstStage`
              leaves the plugin out as broken.
    Don't:    open connections in `make`. The stage connects when it runs.
    Example:  plugin_examples/entrepot-file

    >>> def entrepot_register_first_stages():
    ...     return [FirstStage(type="firmware", make=lambda context: FirmwareList(context.remote))]
    """


@hookspec
def entrepot_register_publishers() -> Sequence[Publisher]:
    """Bring in who writes the metadata files of a repository type's versions.

    When:     once, when plugins are loaded; `make` of each is called once per sync, in the seal.
    Who:      every plugin; a repository type has one publisher. Without one, artifacts alone are
              served.
    Return:   `Publisher` values.
    Fails:    `PluginError` when two plugins publish one type; anything that is not a `Publisher`
              leaves the plugin out as broken.
    Don't:    change what is written for the same content without raising `version`.
    Example:  plugin_examples/entrepot-file

    >>> def entrepot_register_publishers():
    ...     return [Publisher(type="firmware", make=lambda context: FeedPublisher())]
    """


@hookspec
def entrepot_register_downloaders() -> Mapping[str, Callable[..., Any]]:
    """Bring in ways to fetch what a URL names, by the URL's scheme.

    When:     once, when plugins are loaded; a factory is called when a depot first meets its scheme.
    Who:      every plugin; a scheme belongs to one plugin alone. `http`, `https` and `file` are
              taken.
    Return:   scheme in lower case -> factory, as core/entrepot/download/protocol.py describes it.
    Fails:    `PluginError` when two plugins claim one scheme; anything but callables under schemes
              leaves the plugin out as broken.
    Don't:    import network libraries at the top of the plugin: import them in the factory.
    Example:  core/entrepot/builtin.py

    >>> def entrepot_register_downloaders():
    ...     return {"ftp": make_ftp_fetcher}
    """


@hookspec
def entrepot_register_storages() -> Mapping[str, Callable[..., Any]]:
    """Bring in places to keep bytes, by the scheme of the depot's `storage` URL.

    When:     once, when plugins are loaded; a factory is called when a depot is opened.
    Who:      every plugin; a scheme belongs to one plugin alone. `file` and `memory` are taken.
    Return:   scheme in lower case -> factory that takes the whole URL and makes what
              core/entrepot/storage/protocol.py describes.
    Fails:    `PluginError` when two plugins claim one scheme; anything but callables under schemes
              leaves the plugin out as broken.
    Don't:    import client libraries at the top of the plugin: import them in the factory.
    Example:  core/entrepot/builtin.py

    >>> def entrepot_register_storages():
    ...     return {"tape": TapeStorage.open}
    """


@hookspec
def entrepot_register_executors() -> Sequence[Executor]:
    """Bring in ways to run the syncs that one command asks for.

    When:     once, when plugins are loaded; `make` of the one that is chosen is called once per command.
    Who:      every plugin; an executor's name belongs to one plugin alone. `local` and `processes`
              are taken.
    Return:   `Executor` values.
    Fails:    `PluginError` when two plugins claim one name; anything that is not an `Executor`
              leaves the plugin out as broken. What its runner raises fails the sync it was given.
    Don't:    return from a cancelled `run` while the sync goes on: it would hold its repository.
    Example:  docs/how-to/write-an-executor.md

    >>> def entrepot_register_executors():
    ...     return [Executor("elsewhere", lambda context: Elsewhere(context.options), Options)]
    """


@hookspec
def entrepot_register_commands(group: click.Group) -> None:
    """Add commands to `entrepot`.

    When:     once per program, before the command line is read; also for `--help`.
    Who:      every plugin; a command name belongs to one plugin alone.
    Return:   nothing; decorate functions with `@group.command()`, or call `group.add_command`.
    Fails:    `PluginError` when a name is taken, naming who has it; a plugin that raises here keeps
              what else it brought, and loses its commands.
    Don't:    import what a command needs before it runs: everybody waits for it at every `--help`.
    Example:  plugin_examples/entrepot-webhook

    >>> def entrepot_register_commands(group):
    ...     group.add_command(label)
    """


@hookspec
def entrepot_edit_plan(plan: Plan, context: RunContext) -> Sequence[Edit]:
    """Change which stages a sync runs, and in what order.

    When:     once per run, after the default plan is made and before any stage starts.
    Who:      every plugin; each is shown the default plan, and edits are applied in order of name.
    Return:   edits made with `before`, `after`, `replace`, `remove`, `move_before`, `move_after`;
              `[]` leaves the plan alone.
    Fails:    `PlanError` when a stage is unknown, a need unmet, or two plugins change one place; the
              message names the plugin. What is raised here ends the run before it begins.
    Don't:    open connections here. Make the stage; it connects when it runs.
    Example:  plugin_examples/entrepot-file

    >>> def entrepot_edit_plan(plan, context):
    ...     return [after(QueryExistingContents, LabelLicenses(classify=guess))]
    """


@hookspec
def entrepot_on_sync_started(context: RunContext) -> None:
    """Be told that a sync begins.

    When:     once per run, after the plan holds and the repository's lease is taken.
    Who:      every plugin, in order of name.
    Return:   nothing; what is returned is ignored.
    Fails:    never: what is raised is logged, and the sync goes on.
    Don't:    take long. The event loop waits.
    Example:  plugin_examples/entrepot-webhook

    >>> def entrepot_on_sync_started(context):
    ...     announce(f"{context.repository.name}: begins")
    """


@hookspec
def entrepot_on_sync_finished(context: RunContext, outcome: SyncOutcome | BaseException) -> None:
    """Be told how a sync ended.

    When:     once for every run that was told to have started, after its last commit.
    Who:      every plugin, in order of name.
    Return:   nothing; what is returned is ignored.
    Fails:    never: what is raised is logged, and the outcome stays as it is.
    Don't:    take long, nor keep the outcome alive: its report may be large.
    Example:  plugin_examples/entrepot-webhook

    `outcome` tells what the sync gave, or is the exception that ended it.

    >>> def entrepot_on_sync_finished(context, outcome):
    ...     announce(f"{context.repository.name}: {outcome}")
    """
