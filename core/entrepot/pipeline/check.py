"""Whether each stage of a plan finds what it needs, before anything is fetched."""

from __future__ import annotations

from entrepot.errors import PlanError, StageTooLate, UnmetNeed, did_you_mean
from entrepot.pipeline.plan import Plan
from entrepot.pipeline.step import Absence, Step
from entrepot.pipeline.trace import named


def check(plan: Plan) -> None:
    """Raise `UnmetNeed` or `StageTooLate` for the first stage that stands in a wrong place.

    The error names the stage, whose it is, and the plugin because of which the plan does not hold:
    who took away or moved what was there, else who put something where it cannot stand.
    """
    held: set[str] = set()
    givers: dict[str, Step] = {}
    spoilers: dict[str, int] = {}
    for position, step in enumerate(plan.steps):
        for fact in sorted(plan.needs(position) - held):
            raise _placed(step, _unmet(plan, position, fact, spoilers.get(fact)))
        for fact in sorted(step.stage.precedes & givers.keys()):
            raise _placed(step, _too_late(step, fact, givers[fact]))
        spoilers |= dict.fromkeys(step.stage.spoils & held, position)
        held -= step.stage.spoils
        held |= plan.gives(position)
        givers = dict.fromkeys(plan.gives(position), step) | givers


def _placed(step: Step, error: PlanError) -> PlanError:
    error.at(named(step.name, step.plugin))
    return error


def _blamed(*steps: Step) -> str:
    """The plugin that moved one of these steps, or else put one there, or else brought the first."""
    movers = [mover for step in steps for mover in step.moved_by]
    editors = [editor for step in steps for editor in step.edited_by]
    return next(iter(movers + editors), steps[0].plugin)


def _moved(*steps: Step) -> str:
    movers = [f", because plugin {mover!r} moved {step.name!r}" for step in steps for mover in step.moved_by]
    return "".join(movers[:1])


def _too_late(step: Step, fact: str, giver: Step) -> StageTooLate:
    plugin = _blamed(step, giver)
    because = f"stage {giver.name!r} of plugin {giver.plugin!r} gives it earlier{_moved(step, giver)}"
    remedy = f"let plugin {plugin!r} put it there with before({giver.name}, {step.name}(...))"
    if step.moved_by or giver.moved_by:
        remedy = _unmoved(plugin, step, giver)
    return StageTooLate(step.name, fact, because=because, plugin=plugin, remedy=remedy)


def _unmet(plan: Plan, position: int, fact: str, spoiled_at: int | None) -> UnmetNeed:
    step = plan.steps[position]
    name, plugin = step.name, _blamed(step)
    gone = _gone(plan, range(-1 if spoiled_at is None else spoiled_at, position), fact)
    later = next((other for other in plan.steps[position + 1 :] if fact in other.stage.gives), None)
    if gone:
        plugin = gone[0].plugin
        because = f"{_all(gone)} took away stage {gone[0].name!r}, which gives that"
        blocks = " ".join(f"--block {absence.plugin}" for absence in gone)
        remedy = f"put a stage that gives {fact!r} before {name!r}, remove {name!r} too, or use {blocks}"
    elif spoiled_at is not None:
        spoiler = plan.steps[spoiled_at]
        plugin = _blamed(spoiler, step)
        because = f"stage {spoiler.name!r} of plugin {spoiler.plugin!r}, before it, spoils that{_moved(spoiler, step)}"
        remedy = f"put {name!r} before {spoiler.name!r}, or give {fact!r} again between them"
    elif later is not None:
        plugin = _blamed(step, later)
        because = f"stage {later.name!r} of plugin {later.plugin!r} gives that only after it{_moved(step, later)}"
        remedy = _put_after(plugin, step, later)
    else:
        known = {given for place in range(len(plan.steps)) for given in plan.gives(place)}
        because = f"no stage before it gives that{did_you_mean(fact, known)}"
        remedy = f"put a stage that gives {fact!r} before {name!r}, or remove {name!r} too"
    return UnmetNeed(name, fact, because=because, plugin=plugin, remedy=remedy)


def _put_after(plugin: str, step: Step, later: Step) -> str:
    """How a step comes to stand behind one that stands behind it: by the edit of whoever put either there."""
    if step.moved_by or later.moved_by:
        return _unmoved(plugin, later, step)
    edit = f"after({later.name}, {step.name}(...))"
    if plugin == later.plugin != step.plugin:
        edit = f"before({step.name}, {later.name}(...))"
    return f"let plugin {plugin!r} put it there with {edit}, or use --block {plugin}"


def _unmoved(plugin: str, first: Step, second: Step) -> str:
    moved = next(step for step in (first, second) if step.moved_by)
    other = second if moved is first else first
    side = "before" if moved is first else "after"
    return (
        f"take the edit of plugin {plugin!r} back that moved {moved.name!r}: it has to stand {side} {other.name!r};"
        f" or use --block {plugin}"
    )


def _gone(plan: Plan, between: range, fact: str) -> list[Absence]:
    """Who took away one stage that would have given a fact between two places of the plan."""
    places = {id(step.stage): place for place, step in enumerate(plan.steps)}
    taken = [
        absence
        for absence in plan.absent
        if fact in absence.gives and between.start < places.get(id(absence.followed_by), -1) <= between.stop
    ]
    return [one for one in taken if (one.name, one.followed_by) == (taken[0].name, taken[0].followed_by)]


def _all(absences: list[Absence]) -> str:
    return " and ".join(f"plugin {absence.plugin!r}" for absence in absences)
