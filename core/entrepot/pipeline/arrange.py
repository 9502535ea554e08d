"""From a plan's steps and everybody's edits to the steps as they will run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from entrepot.errors import PlanConflict
from entrepot.pipeline.edits import Edit, Insert, Move, Remove, Replace
from entrepot.pipeline.places import Asked, Place, Places
from entrepot.pipeline.stage import EndStage
from entrepot.pipeline.step import Absence, Step


def arrange(steps: Sequence[Step], edits: Mapping[str, Sequence[Edit]]) -> tuple[tuple[Step, ...], tuple[Absence, ...]]:
    """Follow all edits at once, so that the order in which plugins were asked does not matter."""
    arrangement = _Arrangement(Places(steps, edits))
    places = arrangement.lay()
    laid = tuple(place.step for place in places if not place.is_empty)
    _refuse_twins(laid)
    return laid, tuple(_absences(places))


@attrs.frozen(eq=False)
class _Beside:
    """Why a place is where it is: next to another, as one edit asked."""

    asked: Asked
    place: Place
    is_after: bool


class _Arrangement:
    """A tree: the plan's own places in a row, and next to each what edits put there."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._beside: dict[Place, _Beside] = {}
        self._filled: dict[Place, Asked] = {}
        self._first = places.roots[0] if places.roots else None
        last = places.roots[-1] if places.roots else None
        self._end = last if last is not None and isinstance(last.step.stage, EndStage) else None
        for asked in places.asked:
            self._follow(asked)

    def lay(self) -> list[Place]:
        """All places in order, those that are empty included."""
        for place, beside in sorted(self._beside.items(), key=lambda item: item[1].asked.key):
            (beside.place.after if beside.is_after else beside.place.before).append(place)
        laid = [place for root in self._places.roots if root not in self._beside for place in _walk(root)]
        lost = self._beside.keys() - set(laid)
        if lost:
            raise PlanConflict(
                "stages are to stand next to each other in a circle",
                self._circle(next(place for place in self._beside if place in lost)),
                "anchor one of them to a stage that stays",
            )
        return laid

    def _circle(self, place: Place) -> list[str]:
        """Who made the circle that a place is in or hangs on: not those who only put something next to it."""
        seen: list[Place] = []
        while place not in seen:
            seen.append(place)
            place = self._beside[place].place
        return [self._beside[one].asked.plugin for one in seen[seen.index(place) :]]

    def _follow(self, asked: Asked) -> None:
        place = self._places.find(asked.edit.anchor, asked)
        match asked.edit:
            case Insert(is_after=is_after):
                self._put(self._places.opened_by(asked), _Beside(asked, place, is_after))
            case Move(target=target, is_after=is_after):
                self._refuse_ends(asked, place, "moved")
                beside = _Beside(asked, self._places.find(target, asked), is_after)
                if not self._is_moved_already(place, beside):
                    self._put(place, beside)
                place.step = _edited(place.step, asked.plugin)
                place.moved_by.append(asked.plugin)
            case Replace(stage=stage):
                self._take_out(asked, place, "replaced")
                plugins = (*place.step.edited_by, asked.plugin)
                place.step = _edited(Step(type(stage).__name__, stage, asked.plugin), *plugins)
            case Remove():
                self._take_out(asked, place, "removed")
                place.is_empty = True

    def _put(self, place: Place, beside: _Beside) -> None:
        if beside.place is (self._end if beside.is_after else self._first):
            side, name = "after" if beside.is_after else "before", beside.place.step.name
            raise PlanConflict(
                f"nothing can stand {side} {name!r}, the {'end' if beside.is_after else 'first stage'} of the plan",
                [beside.asked.plugin],
                remedy=f"put the stage {'before' if beside.is_after else 'after'} {name!r}",
            )
        self._beside[place] = beside

    def _take_out(self, asked: Asked, place: Place, what: str) -> None:
        self._refuse_ends(asked, place, what)
        earlier = self._filled.setdefault(place, asked)
        if earlier is not asked and not (isinstance(earlier.edit, Remove) and isinstance(asked.edit, Remove)):
            raise _contradiction(place, earlier, asked, "replace or remove")
        place.gone.append(Absence(place.step.name, place.step.stage.gives, asked.plugin))

    def _refuse_ends(self, asked: Asked, place: Place, what: str) -> None:
        if place is self._first or place is self._end:
            raise PlanConflict(
                f"stage {place.step.name!r} is an end of the plan and cannot be {what}",
                [asked.plugin],
                remedy=f"put a stage {'after' if place is self._first else 'before'} {place.step.name!r} instead",
            )

    def _is_moved_already(self, place: Place, beside: _Beside) -> bool:
        """Whether another plugin asked for the same move; one that asked for another is an error."""
        earlier = self._beside.get(place)
        if earlier is None or not isinstance(earlier.asked.edit, Move):
            return False
        if earlier.place is not beside.place or earlier.is_after != beside.is_after:
            raise _contradiction(place, earlier.asked, beside.asked, "move")
        return True


def _walk(place: Place, moved_by: Sequence[str] = ()) -> Iterator[Place]:
    """A place with all that is next to it, in order; whoever moved it moved all of that."""
    movers = [*moved_by, *place.moved_by]
    for other in place.before:
        yield from _walk(other, movers)
    place.step = attrs.evolve(place.step, moved_by=tuple(sorted({*place.step.moved_by, *movers})))
    yield place
    for other in place.after:
        yield from _walk(other, movers)


def _absences(places: Sequence[Place]) -> Iterator[Absence]:
    """What was taken out, in order, each with the stage that now follows where it stood."""
    for position, place in enumerate(places):
        later = (other.step.stage for other in places[position + 1 :] if not other.is_empty)
        follower = next(later, None) if place.gone else None
        for gone in place.gone:
            yield attrs.evolve(gone, followed_by=follower)


def _edited(step: Step, *plugins: str) -> Step:
    return attrs.evolve(step, edited_by=tuple(sorted({*step.edited_by, *plugins})))


def _contradiction(place: Place, one: Asked, other: Asked, what: str) -> PlanConflict:
    return PlanConflict(
        f"two edits {what} stage {place.step.name!r}",
        [one.plugin, other.plugin],
        remedy=f"use --block {other.plugin}, or let one of them put its stage next to {place.step.name!r}",
    )


def _refuse_twins(steps: Sequence[Step]) -> None:
    for position, step in enumerate(steps):
        for other in steps[:position]:
            if step.stage is other.stage:
                raise PlanConflict(
                    f"one instance of stage {step.name!r} is put into the plan twice",
                    [step.plugin, other.plugin],
                    remedy=f"make a second one: {step.name}(...)",
                )
