"""Where anchors lead: the places of a plan, and the stages that edits bring to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import attrs

from entrepot.errors import PlanConflict, UnknownStage
from entrepot.pipeline.edits import Anchor, Edit, Insert, Move, Replace, name_of
from entrepot.pipeline.stage import Stage
from entrepot.pipeline.step import Absence, Step
from entrepot.pipeline.trace import named


class Key(NamedTuple):
    """Where an edit stands among all edits: moves last, then by plugin, then as the plugin listed them."""

    is_move: bool
    plugin: str
    number: int


@attrs.define(eq=False)
class Place:
    """Where a stage stands or stood, what was put next to it, and what became of it."""

    step: Step
    is_empty: bool = False
    before: list[Place] = attrs.field(factory=list)
    after: list[Place] = attrs.field(factory=list)
    moved_by: list[str] = attrs.field(factory=list)
    gone: list[Absence] = attrs.field(factory=list)


@attrs.frozen(eq=False)
class Asked:
    """One edit, and who asks for it."""

    edit: Edit
    plugin: str
    number: int

    @property
    def key(self) -> Key:
        return Key(isinstance(self.edit, Move), self.plugin, self.number)

    @property
    def anchors(self) -> list[Anchor]:
        return [self.edit.anchor, self.edit.target] if isinstance(self.edit, Move) else [self.edit.anchor]


@attrs.frozen(eq=False)
class Holder:
    """A stage that an anchor may mean: one of the plan, or one that an edit brings."""

    stage: Stage[Any]
    plugin: str
    place: Place | None
    asked: Asked | None = None


class Places:
    """Every place of a plan, those that edits open included.

    An anchor leads to a step of the plan as it was shown, else to a stage that the same plugin
    brings, else to one that another brings. A class also means its subclasses, where no stage is
    exactly of it. Edits that are optional and lead nowhere are not among those `asked`.
    """

    def __init__(self, steps: Sequence[Step], edits: Mapping[str, Sequence[Edit]]) -> None:
        self.roots = [Place(step) for step in steps]
        self._holders = [Holder(place.step.stage, place.step.plugin, place) for place in self.roots]
        self._from_plan = len(self._holders)
        asked = [Asked(edit, plugin, number) for plugin in sorted(edits) for number, edit in enumerate(edits[plugin])]
        self.asked = sorted(self._let_in(asked), key=lambda one: one.key)

    def opened_by(self, one: Asked) -> Place:
        """The place that an insertion makes."""
        return next(holder.place for holder in self._holders if holder.asked is one and holder.place is not None)

    def find(self, anchor: Anchor, one: Asked) -> Place:
        """Where an anchor of an edit leads; raises `UnknownStage` when that is not one place."""
        return self._find(anchor, one, ())

    def _find(self, anchor: Anchor, one: Asked, seen: tuple[Asked, ...]) -> Place:
        brought = [holder for holder in self._holders[self._from_plan :] if holder.asked is not one]
        own = [holder for holder in brought if holder.plugin == one.plugin]
        for tier in (self._holders[: self._from_plan], own, brought):
            match _meant(anchor, tier):
                case []:
                    continue
                case [Holder(place=Place() as place)]:
                    return place
                case [Holder(asked=Asked() as replacing)] if replacing not in seen:
                    return self._find(replacing.edit.anchor, replacing, (*seen, replacing))
                case [_]:
                    raise _circle([one, *seen])
                case several:
                    matches = [named(type(holder.stage).__name__, holder.plugin) for holder in several]
                    raise UnknownStage(name_of(anchor), self._names(), plugin=one.plugin, matches=matches)
        raise UnknownStage(name_of(anchor), self._names(), plugin=one.plugin)

    def _let_in(self, waiting: list[Asked]) -> list[Asked]:
        """Those edits whose anchors are there, or are brought by others of which that is true."""
        possible: list[Asked] = []
        while ready := [one for one in waiting if self._missing(one) is None]:
            self._holders += [_brought(one, one.edit.stage) for one in ready if isinstance(one.edit, Insert | Replace)]
            possible += ready
            waiting = [one for one in waiting if one not in ready]
        self._refuse([one for one in waiting if not one.edit.optional])
        return possible

    def _missing(self, one: Asked) -> Anchor | None:
        return next((anchor for anchor in one.anchors if not _meant(anchor, self._holders)), None)

    def _refuse(self, hopeless: list[Asked]) -> None:
        brought = [_brought(one, one.edit.stage) for one in hopeless if isinstance(one.edit, Insert | Replace)]
        waits: dict[Asked, Asked] = {}
        for one in hopeless:
            missing = self._missing(one)
            wanted = _meant(missing, brought) if missing is not None else []
            if missing is not None and not wanted:
                raise UnknownStage(name_of(missing), self._names(), plugin=one.plugin)
            waits.update((one, holder.asked) for holder in wanted[:1] if holder.asked is not None)
        if hopeless:
            raise _circle(_round(hopeless[0], waits))

    def _names(self) -> list[str]:
        return [type(holder.stage).__name__ for holder in self._holders]


def _brought(one: Asked, stage: Stage[Any]) -> Holder:
    if isinstance(one.edit, Replace):
        return Holder(stage, one.plugin, None, one)
    return Holder(stage, one.plugin, Place(Step(type(stage).__name__, stage, one.plugin, (one.plugin,))), one)


def _meant(anchor: Anchor, holders: Sequence[Holder]) -> list[Holder]:
    if isinstance(anchor, str):
        return [holder for holder in holders if type(holder.stage).__name__ == anchor]
    exact = [holder for holder in holders if type(holder.stage) is anchor]
    return exact or [holder for holder in holders if isinstance(holder.stage, anchor)]


def _round(one: Asked, waits: Mapping[Asked, Asked]) -> list[Asked]:
    """The circle that somebody who waits for others is in or waits for."""
    seen: list[Asked] = []
    while one not in seen:
        seen.append(one)
        one = waits[one]
    return seen[seen.index(one) :]


def _circle(asked: Sequence[Asked]) -> PlanConflict:
    anchors = sorted({name_of(one.edit.anchor) for one in asked})
    return PlanConflict(
        f"edits wait for each other's stages: {', '.join(anchors)}",
        [one.plugin for one in asked],
        remedy="let one of them name a stage of the default plan",
    )
