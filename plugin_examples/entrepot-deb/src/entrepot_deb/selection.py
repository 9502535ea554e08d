"""Decides on all packages of all lists together: what is asked for, and what that needs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import attrs

from entrepot.plugin import InvalidMetadata
from entrepot_deb.candidates import Candidate, InOrder, LeftOut, is_asked, is_excluded, left_out, newest
from entrepot_deb.options import DebOptions
from entrepot_deb.relations import Alternative, read_provides, read_relations

#: Which paragraph of which list.
Place: TypeAlias = tuple[str, str, str, int]

#: The architecture whose packages run on every other one.
_ALL: Final = "all"

#: How many links of a chain are told.
_LONGEST_CHAIN: Final = 12


@attrs.frozen
class Selection:
    """What was decided, by the place of a package.

    `chosen` has the chain that brought it, empty if it was asked for; `left_out` the reason, of what
    was asked for. `unmet` are needs that nothing meets, `sources` what the chosen were built from.
    """

    chosen: Mapping[Place, str]
    left_out: Mapping[Place, LeftOut]
    unmet: Sequence[tuple[Candidate, str]]
    sources: frozenset[tuple[str, str]]


def select(packages: Iterable[Candidate], options: DebOptions) -> Selection:
    """Choose what the options ask for, and with `dependencies` what that needs, to the end.

    Of the alternatives of a need the first is taken that anything meets, as apt does: every version
    of the package that it names, else whatever provides it. What is excluded meets nothing.
    """
    everything = list(packages)
    out = {_place(each): why for each in everything if is_asked(each, options) and (why := left_out(each, options))}
    asked = [each for each in everything if is_asked(each, options) and _place(each) not in out]
    if options.newest is not None:
        asked = list(_newest(asked, options.newest, out))
    closing = _Closing(everything, options)
    if options.dependencies:
        closing.close(asked)
    chosen = {_place(each): "" for each in asked}
    chosen |= {_place(each): closing.chain(each) for each in closing.found if _place(each) not in chosen}
    return Selection(
        chosen=chosen,
        left_out={place: why for place, why in out.items() if place not in chosen},
        unmet=closing.unmet,
        sources=frozenset(each.source for each in everything if _place(each) in chosen),
    )


def _newest(asked: Sequence[Candidate], count: int, out: dict[Place, LeftOut]) -> Iterator[Candidate]:
    of_one: dict[tuple[str, str, str], list[Candidate]] = {}
    for each in asked:
        of_one.setdefault((each.suite, each.name, each.architecture), []).append(each)
    for versions in of_one.values():
        kept, oldest = newest(versions, count)
        yield from kept
        for each in set(versions) - set(kept):
            reason = f"it is version {each.version}, and newest ends with {oldest}"
            out[_place(each)] = LeftOut("newest", reason, "raise newest")


@attrs.define
class _Closing:
    """Follows what packages need, each package once for each architecture."""

    _packages: Sequence[Candidate]
    _options: DebOptions
    unmet: list[tuple[Candidate, str]] = attrs.field(factory=list, init=False)
    _found: dict[tuple[Candidate, str], tuple[Candidate, str, str] | None] = attrs.field(factory=dict, init=False)
    _first: dict[Candidate, tuple[Candidate, str]] = attrs.field(factory=dict, init=False)
    _named: Mapping[tuple[str, str], InOrder] = attrs.field(factory=dict, init=False)
    _provided: dict[str, list[tuple[Candidate, str | None]]] = attrs.field(factory=dict, init=False)

    def close(self, asked: Sequence[Candidate]) -> None:
        """Find all that the packages asked for need."""
        named: dict[tuple[str, str], list[Candidate]] = {}
        for each in self._packages:
            if is_excluded(each, self._options) is None:
                named.setdefault((each.name, each.architecture), []).append(each)
                for name, version in _or_nothing(each.provides):
                    self._provided.setdefault(name, []).append((each, version))
        self._named = {name: InOrder.of(each) for name, each in named.items()}
        everywhere = sorted({each.architecture for each in self._packages} - {_ALL}) or [_ALL]
        for each in asked:
            for architecture in everywhere if each.architecture == _ALL else [each.architecture]:
                self._found[each, architecture] = None
        waiting = deque(self._found)
        while waiting:
            package, architecture = waiting.popleft()
            for group in self._needs(package):
                wanted, meeting = self._meeting(package, group, architecture)
                for each in meeting:
                    step: tuple[Candidate, str] = (each, wanted if each.architecture == _ALL else each.architecture)
                    if step not in self._found:
                        self._found[step] = (package, architecture, " | ".join(map(str, group)))
                        self._first.setdefault(each, step)
                        waiting.append(step)

    @property
    def found(self) -> list[Candidate]:
        """What was found, in the order of the way to it."""
        return list(dict.fromkeys(package for package, _ in self._found))

    def chain(self, package: Candidate) -> str:
        """Tell by whom a package came, from what was asked for on."""
        step = self._first.get(package)
        links: deque[str] = deque()
        while step is not None and (why := self._found[step]) is not None:
            by, architecture, need = why
            links.appendleft(f"{by.name} {by.version} needs {need}")
            step = (by, architecture)
        told = list(links)
        if len(told) > _LONGEST_CHAIN:
            told = [*told[: _LONGEST_CHAIN // 2], "...", *told[-_LONGEST_CHAIN // 2 :]]
        return ", ".join(told)

    def _needs(self, package: Candidate) -> Iterator[tuple[Alternative, ...]]:
        fields = [*package.needs, *([package.recommends] if self._options.recommends else [])]
        for field in fields:
            try:
                yield from read_relations(field)
            except InvalidMetadata as error:
                self.unmet.append((package, error.what))

    def _meeting(
        self, package: Candidate, group: Sequence[Alternative], architecture: str
    ) -> tuple[str, Sequence[Candidate]]:
        """What meets a need, and the architecture that it is to run on."""
        for alternative in group:
            wanted = alternative.architecture or architecture
            if found := self._of(alternative, wanted):
                return wanted, found
        self.unmet.append((package, f"nothing that is mirrored meets {' | '.join(map(str, group))}"))
        return architecture, ()

    def _of(self, alternative: Alternative, architecture: str) -> Sequence[Candidate]:
        fitting, count = {architecture: None, _ALL: None}, self._options.newest
        real = [
            each
            for one in fitting
            for each in self._named.get((alternative.name, one), InOrder()).meeting(alternative, count)
        ]
        if real:
            return real if count is None else newest(real, count)[0]
        return [
            each
            for each, version in self._provided.get(alternative.name, ())
            if each.architecture in fitting and alternative.admits_provided(version)
        ]


def _or_nothing(provides: str) -> list[tuple[str, str | None]]:
    try:
        return read_provides(provides)
    except InvalidMetadata:
        return []


def _place(package: Candidate) -> Place:
    return package.suite, package.component, package.architecture, package.at
