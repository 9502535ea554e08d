"""Importing plugins one by one, so that what breaks one harms no other."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import attrs
import pluggy

from entrepot.errors import ConfigurationError, PluginError
from entrepot.hooks import specs
from entrepot.hooks.claims import KINDS, Claim, claims_of, merge
from entrepot.hooks.discovery import Candidate, discover, installed_version
from entrepot.hooks.record import BUILTIN, PluginRecord


@attrs.frozen
class Loaded:
    """A plugin that takes part: its record, and what it registered."""

    record: PluginRecord
    claims: tuple[Claim, ...] = attrs.field(repr=False)


@attrs.frozen
class Found:
    """Everything that was looked for: what takes part, in order of name, and what does not."""

    manager: pluggy.PluginManager
    working: list[Loaded]
    left_out: list[PluginRecord]


def nobody_asks(plugin: str) -> None:
    """Listen to nothing."""


def find(
    *,
    blocked: Collection[str],
    builtin: object,
    extra: Sequence[tuple[str, object]],
    installed: bool,
    begin: Callable[[str], None] = nobody_asks,
) -> Found:
    """Load what core ships, what is installed, and what is handed in by name.

    `begin` is told the name of each plugin before its code is run.
    """
    if BUILTIN in blocked:
        raise ConfigurationError(
            f"{BUILTIN!r} cannot be blocked: without what core ships there is nothing to keep bytes in",
            remedy="block other plugins; these there are: entrepot plugins",
        )
    version = installed_version()
    wanted, left_out = discover(blocked, version) if installed else ([], [])
    handed_in = [Candidate(name, functools.partial(_itself, plugin)) for name, plugin in extra]
    names = {candidate.name for candidate in handed_in}
    wanted = [candidate for candidate in wanted if candidate.name not in names]
    left_out = [record for record in left_out if record.name not in names]
    left_out += [each.record(reason="blocked", blocked=True) for each in handed_in if each.name in blocked]
    wanted += [each for each in handed_in if each.name not in blocked]

    manager = new_manager()
    core = load_one(manager, Candidate(BUILTIN, lambda: builtin, version or "", "entrepot"))
    loaded, broken = load_all(manager, sorted(wanted, key=lambda candidate: candidate.name), begin)
    return Found(manager, sorted([core, *loaded], key=lambda each: each.record.name), left_out + broken)


def _itself(plugin: object) -> object:
    return plugin


def new_manager() -> pluggy.PluginManager:
    """Make a manager that knows every hook and no plugin."""
    manager = pluggy.PluginManager(specs.GROUP)
    manager.add_hookspecs(specs)
    return manager


def load_all(
    manager: pluggy.PluginManager, candidates: Iterable[Candidate], begin: Callable[[str], None] = nobody_asks
) -> tuple[list[Loaded], list[PluginRecord]]:
    """Import and register candidates in the order given; those that break come with the reason.

    Whatever a plugin raises, an attempt to end the process included, stays its own trouble. Only
    the user's own interrupt goes through.
    """
    loaded, broken = [], []
    for candidate in candidates:
        begin(candidate.name)
        try:
            loaded.append(load_one(manager, candidate))
        except (Exception, SystemExit) as error:
            _forget(manager, candidate.name)
            record = candidate.record(reason=_reason(error))
            broken.append(attrs.evolve(record, traceback=traceback.format_exc()))
    return loaded, broken


def load_one(manager: pluggy.PluginManager, candidate: Candidate) -> Loaded:
    """Import one plugin, check its hooks, and ask what it registers; raises whatever is wrong."""
    plugin = candidate.load()
    unmarked = _unmarked(plugin)
    if unmarked:
        raise PluginError(f"{unmarked[0]} is not marked: put @hookimpl above it")
    if manager.is_registered(plugin):
        raise PluginError(f"it is the same object as plugin {manager.get_name(plugin)!r}")
    manager.register(plugin, candidate.name)
    hooks = _checked_hooks(manager, plugin)
    hooks_that_claim = dict.fromkeys(hook for _, hook in KINDS.values())
    claims = [claim for hook in hooks_that_claim for claim in _registered(manager, candidate.name, hook)]
    _, conflicts = merge(claims)
    if conflicts:
        raise conflicts[0]
    return Loaded(PluginRecord(candidate.name, candidate.version, candidate.distribution, hooks), tuple(claims))


def ask(manager: pluggy.PluginManager, plugin: str, hook: str, /, **arguments: Any) -> list[Any]:
    """Call one hook of one plugin, and no other's, so that what it raises can be laid at its door."""
    others = [other for name, other in manager.list_name_plugin() if name != plugin and other is not None]
    answers: list[Any] = manager.subset_hook_caller(hook, others)(**arguments)
    return answers


def _registered(manager: pluggy.PluginManager, plugin: str, hook: str) -> list[Claim]:
    return [claim for answer in ask(manager, plugin, hook) for claim in claims_of(plugin, hook, answer)]


def _unmarked(plugin: object) -> list[str]:
    """Functions named like a hook that pluggy would pass over in silence."""
    hooks = [name for name in vars(specs) if name.startswith("entrepot_")]
    return [
        name
        for name in hooks
        if inspect.isroutine(function := getattr(plugin, name, None)) and not hasattr(function, f"{specs.GROUP}_impl")
    ]


def _checked_hooks(manager: pluggy.PluginManager, plugin: object) -> tuple[str, ...]:
    """Name the hooks that a plugin answers; raises for those that cannot be asked."""
    callers = manager.get_hookcallers(plugin) or []
    if not callers:
        raise PluginError("it answers no hook: mark its functions with @hookimpl")
    for caller in callers:
        for answer in caller.get_hookimpls():
            if answer.plugin is plugin:
                _check_answer(caller, answer)
    return tuple(sorted(caller.name for caller in callers if caller.has_spec()))


def _check_answer(caller: pluggy.HookCaller, answer: pluggy.HookImpl) -> None:
    if not caller.has_spec() and not answer.optionalhook:
        raise PluginError(f"there is no hook {caller.name!r} in this version of entrepot")
    if inspect.iscoroutinefunction(answer.function):
        raise PluginError(f"{caller.name} is a coroutine; hooks are plain functions, and stages do what waits")
    if answer.wrapper or answer.hookwrapper:
        raise PluginError(f"{caller.name} is a wrapper; a hook is answered, and other plugins' answers are not seen")


def _forget(manager: pluggy.PluginManager, name: str) -> None:
    if manager.has_plugin(name):
        manager.unregister(name=name)


def _reason(error: BaseException) -> str:
    """Say in one line why a plugin is left out."""
    match error:
        case PluginError():
            return error.what
        case pluggy.PluginValidationError():
            return " ".join(str(error).split())
        case SystemExit():
            return f"it tried to end the program when imported or asked: SystemExit({error.code!r})"
        case _:
            return " ".join(f"{type(error).__name__}: {error}".split())
