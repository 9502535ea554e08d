"""Where stages stand by the documented rules, worked out by other means than the code: names, paths, one sort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

BEFORE, ITSELF, AFTER = -1, 0, 1


@attrs.frozen
class Wish:
    """An edit as a tuple of words: `kind` is put, replace, remove or move; `side` is BEFORE or AFTER."""

    kind: str
    anchor: str
    stage: str = ""
    target: str = ""
    side: int = AFTER
    optional: bool = False


#: Whose wish it is, and its number among those of its plugin.
Who: TypeAlias = tuple[str, int]
#: A place: the index of a stage of the default plan, or the wish that opened it.
Spot: TypeAlias = int | Who


@attrs.frozen
class Verdict:
    """Names in order with who edited each; or the plugins of each problem there is."""

    steps: list[tuple[str, tuple[str, ...]]]
    problems: list[set[str]]


def verdict(plan: Sequence[str], wishes: Mapping[str, Sequence[Wish]]) -> Verdict:
    """What the rules say of a default plan whose first and last stage are its ends."""
    return _Rules(
        plan, {(plugin, number): wish for plugin in wishes for number, wish in enumerate(wishes[plugin])}
    ).say()


class _Rules:
    def __init__(self, plan: Sequence[str], wishes: dict[Who, Wish]) -> None:
        self.plan = plan
        self.problems: list[set[str]] = []
        self.brings: dict[Who, str] = {}
        self.possible = self._possible(wishes)

    def say(self) -> Verdict:
        spots = [*range(len(self.plan)), *(who for who, wish in self.possible.items() if wish.kind == "put")]
        if not self.problems:
            self._meet()
        if self.problems:
            return Verdict([], self.problems)
        paths = {spot: self._path(spot, ()) for spot in spots}
        if self.problems:
            return Verdict([], self.problems)
        ordered = sorted(
            (spot for spot in spots if not self.taken.get(spot) or self.filled(spot)), key=paths.__getitem__
        )
        return Verdict([(self.name(spot), tuple(sorted(self.editors.get(spot, set())))) for spot in ordered], [])

    def _possible(self, wishes: dict[Who, Wish]) -> dict[Who, Wish]:
        """Whatever waits for nobody, then what waits for those, until nothing changes."""
        possible: dict[Who, Wish] = {}
        while True:
            there = {*self.plan, *self.brings.values()}
            ready = {who: wish for who, wish in wishes.items() if {wish.anchor, wish.target or wish.anchor} <= there}
            if ready == possible:
                break
            possible = ready
            self.brings = {who: wish.stage for who, wish in ready.items() if wish.stage}
        never = {who[0] for who, wish in wishes.items() if who not in possible and not wish.optional}
        if never:
            self.problems.append(never)
        return possible

    def spot(self, name: str, who: Who, seen: tuple[Who, ...] = ()) -> Spot | None:
        """The default plan first, then what the same plugin brings, then what others bring."""
        if name in self.plan:
            return self.plan.index(name)
        others = [other for other, brought in self.brings.items() if brought == name and other != who]
        meant = [other for other in others if other[0] == who[0]] or others
        if len(meant) != 1 or meant[0] in seen:
            self.problems.append({who[0], *(one[0] for one in seen)})
            return None
        (other,) = meant
        if self.possible[other].kind == "put":
            return other
        return self.spot(self.possible[other].anchor, other, (*seen, other))

    def _meet(self) -> None:
        self.beside: dict[Spot, tuple[Spot, int, tuple[bool, Who]]] = {}
        self.taken: dict[Spot, list[Who]] = {}
        self.editors: dict[Spot, set[str]] = {}
        self.moves: dict[Spot, tuple[Spot, int, str]] = {}
        for who, wish in sorted(self.possible.items(), key=lambda item: (item[1].kind == "move", item[0])):
            spot = self.spot(wish.anchor, who)
            target = self.spot(wish.target, who) if wish.kind == "move" else spot
            if spot is not None and target is not None:
                self._leave_the_ends(who, wish, spot, target)
                {"put": self._put, "move": self._move}.get(wish.kind, self._take)(who, wish, spot, target)
        for takers in self.taken.values():
            kinds = [self.possible[who].kind for who in takers]
            if "replace" in kinds and len(kinds) > 1:
                self.problems.append({who[0] for who in takers})

    def _leave_the_ends(self, who: Who, wish: Wish, spot: Spot, target: Spot) -> None:
        end = len(self.plan) - 1
        if wish.kind in ("put", "move") and target == (end if wish.side == AFTER else 0):
            self.problems.append({who[0]})
        if wish.kind != "put" and spot in (0, end):
            self.problems.append({who[0]})

    def _put(self, who: Who, wish: Wish, spot: Spot, target: Spot) -> None:
        self.beside[who] = (spot, wish.side, (False, who))
        self.editors.setdefault(who, set()).add(who[0])

    def _move(self, who: Who, wish: Wish, spot: Spot, target: Spot) -> None:
        first = self.moves.get(spot)
        if first is None:
            self.moves[spot] = (target, wish.side, who[0])
            self.beside[spot] = (target, wish.side, (True, who))
        elif first[:2] != (target, wish.side):
            self.problems.append({first[2], who[0]})
        self.editors.setdefault(spot, set()).add(who[0])

    def _take(self, who: Who, wish: Wish, spot: Spot, target: Spot) -> None:
        self.taken.setdefault(spot, []).append(who)
        if wish.kind == "replace":
            self.editors.setdefault(spot, set()).add(who[0])

    def filled(self, spot: Spot) -> bool:
        return any(self.possible[who].kind == "replace" for who in self.taken[spot])

    def name(self, spot: Spot) -> str:
        for who in self.taken.get(spot, []):
            return self.possible[who].stage
        return self.plan[spot] if isinstance(spot, int) else self.possible[spot].stage

    def _path(self, spot: Spot, below: tuple[Spot, ...]) -> tuple[Any, ...]:
        """From a stage of the default plan down: on which side of each, and as the how-manieth there."""
        return (*self._way(spot, below), (ITSELF,))

    def _way(self, spot: Spot, below: tuple[Spot, ...]) -> Iterator[Any]:
        if spot in below:
            self.problems.append({self.beside[one][2][1][0] for one in below[below.index(spot) :]})
            return
        if spot not in self.beside:
            assert isinstance(spot, int)
            yield (spot,)
            return
        anchor, side, rank = self.beside[spot]
        yield from self._way(anchor, (*below, spot))
        yield (side, rank)
