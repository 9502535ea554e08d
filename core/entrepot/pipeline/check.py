"""Whether each stage of a plan finds what it needs, before anything is fetched."""

from __future__ import annotations

from entrepot.errors import StageTooLate, UnmetNeed, did_you_mean
from entrepot.pipeline.plan import Plan
from entrepot.pipeline.step import Step


def check(plan: Plan) -> None:
    """Raise `UnmetNeed` or `StageTooLate` for the first stage that stands in a wrong place."""
    held: set[str] = set()
    givers: dict[str, Step] = {}
    spoilers: dict[str, Step] = {}
    for position, step in enumerate(plan.steps):
        for fact in sorted(step.stage.needs - held):
            raise _unmet(plan, position, fact, spoilers.get(fact))
        for fact in sorted(step.stage.precedes & givers.keys()):
            giver = givers[fact]
            raise StageTooLate(
                step.name, fact, plugin=_blamed(step, giver), giver=giver.name, giver_plugin=giver.plugin
            )
        held -= step.stage.spoils
        spoilers |= dict.fromkeys(step.stage.spoils, step)
        held |= plan.gives(position)
        givers = dict.fromkeys(plan.gives(position), step) | givers


def _blamed(step: Step, *others: Step) -> str:
    """The plugin that edited the step, or else another that matters here, or else the one it comes from."""
    editors = [editor for candidate in (step, *others) for editor in candidate.edited_by]
    return editors[0] if editors else step.plugin


def _unmet(plan: Plan, position: int, fact: str, spoiler: Step | None) -> UnmetNeed:
    step = plan.steps[position]
    name, plugin = step.name, _blamed(step)
    gone = next((absence for absence in plan.absent if fact in absence.gives), None)
    later = next((other for other in plan.steps[position + 1 :] if fact in other.stage.gives), None)
    if spoiler is not None:
        plugin = _blamed(step, spoiler)
        because = f"stage {spoiler.name!r} of plugin {spoiler.plugin!r}, before it, spoils that"
        remedy = f"put {name!r} before {spoiler.name!r}, or give {fact!r} again between them"
    elif later is not None:
        plugin = _blamed(step, later)
        because = f"stage {later.name!r} of plugin {later.plugin!r} gives that only after it"
        remedy = f"let plugin {plugin!r} leave {later.name!r} before {name!r}, or use --block {plugin}"
    elif gone is not None:
        plugin = gone.plugin
        because = f"plugin {plugin!r} took away stage {gone.name!r}, which gives that"
        remedy = f"put a stage that gives {fact!r} before {name!r}, remove {name!r} too, or use --block {plugin}"
    else:
        known = {given for place in range(len(plan.steps)) for given in plan.gives(place)}
        because = f"no stage before it gives that{did_you_mean(fact, known)}"
        remedy = f"put a stage that gives {fact!r} before {name!r}, or remove {name!r} too"
    return UnmetNeed(name, fact, because=because, plugin=plugin, remedy=remedy)
