"""What is asked for and what that needs, to the end: projects, and the versions that are allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs
from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name

from entrepot_python.environments import Environment, holds

#: Characters of a requirement that are worth reading.
_LONGEST: Final = 4096

#: How many names a chain tells before it is cut.
_LONGEST_CHAIN: Final = 12


@attrs.define
class _Project:
    """What is known of one project: who allows which versions, its extras, and what it requires.

    For the extras that are `settled`, all that it requires was looked at; what is `followed` need not be again.
    """

    specifiers: dict[str, SpecifierSet] = attrs.field(factory=dict)
    extras: set[str] = attrs.field(factory=set)
    settled: set[str] = attrs.field(factory=set)
    followed: set[str] = attrs.field(factory=set)
    requires: dict[str, Requirement | None] = attrs.field(factory=dict)
    needed_by: dict[NormalizedName, str] = attrs.field(factory=dict)
    asked: bool = False


@attrs.frozen
class _Chain:
    """A way from what was asked for, without the middle of a long one: each goes on from another."""

    length: int = 0
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()

    def then(self, why: str) -> _Chain:
        """The way that goes on from its end."""
        return _Chain(self.length + 1, (*self.first, why)[: _LONGEST_CHAIN // 2], (*self.last, why)[-_LONGEST_CHAIN:])

    def told(self) -> str:
        """Tell it, cut where it is long."""
        if self.length <= _LONGEST_CHAIN:
            return ", ".join(self.last)
        return ", ".join([*self.first, "...", *self.last[-_LONGEST_CHAIN // 2 :]])


@attrs.frozen
class Closure:
    """Grows by what is asked for, and by what is learnt of it; nothing ever leaves it.

    So its end does not depend on the order in which things are learnt. A version belongs to it when
    a requirement of a version that belongs to it allows it: every way to resolve what was asked for
    is in it.
    """

    _environments: Sequence[Environment]
    _projects: dict[NormalizedName, _Project] = attrs.field(factory=dict, init=False)
    _grown: set[NormalizedName] = attrs.field(factory=set, init=False)
    _with_more_extras: set[NormalizedName] = attrs.field(factory=set, init=False)
    _verdicts: dict[tuple[str, str], bool] = attrs.field(factory=dict, init=False)

    def ask(self, project: NormalizedName, specifiers: Iterable[SpecifierSet], extras: Iterable[str] = ()) -> None:
        """Ask for versions of a project, and for extras of it."""
        self._project(project).asked = True
        for specifier in specifiers:
            self._want(project, specifier, extras)
        self._settle()

    def learn(self, project: NormalizedName, by: str, lines: Iterable[str]) -> list[str]:
        """Take in what a release of a project requires; returns lines, once each, that cannot be followed."""
        known, lost = self._project(project).requires, []
        for line in lines:
            if line in known:
                continue
            known[line] = requirement = _read(line)
            if requirement is None:
                lost.append(line)
            else:
                self._follow(project, line, self._project(project).extras, f"{by} needs {line}")
        self._settle()
        return lost

    def take_grown(self) -> list[NormalizedName]:
        """The projects of which more versions are wanted than when this was last asked, in order."""
        grown = sorted(self._grown)
        self._grown.clear()
        return grown

    def specifiers(self, project: NormalizedName) -> Mapping[str, SpecifierSet]:
        """The versions that are wanted of a project: whatever one of these admits."""
        return self._projects[project].specifiers

    def is_asked(self, project: NormalizedName) -> bool:
        """Whether it was asked for, and did not come by dependency alone."""
        return self._projects[project].asked

    def chains(self) -> dict[NormalizedName, str]:
        """For each project that came by dependency the shortest way to it from what was asked for."""
        needs: dict[NormalizedName, list[NormalizedName]] = {}
        for name, project in self._projects.items():
            for by in project.needed_by:
                needs.setdefault(by, []).append(name)
        chains = {name: _Chain() for name, each in self._projects.items() if each.asked}
        wave = sorted(chains)
        while wave:
            found: dict[NormalizedName, _Chain] = {}
            for by in wave:
                for name in needs.get(by, ()):
                    if name not in chains and name not in found:
                        found[name] = chains[by].then(self._projects[name].needed_by[by])
            chains |= found
            wave = sorted(found)
        return {name: chain.told() for name, chain in chains.items() if chain.length}

    def _follow(self, project: NormalizedName, line: str, extras: set[str], why: str) -> None:
        """Want what a line requires, where it applies with one of the extras."""
        by = self._project(project)
        requirement = by.requires[line]
        if requirement is None or not self._applies(requirement, extras):
            return
        by.followed.add(line)
        needed = canonicalize_name(requirement.name)
        needed_by = self._project(needed).needed_by
        needed_by[project] = min(why, needed_by.get(project, why))
        self._want(needed, requirement.specifier, requirement.extras)

    def _want(self, project: NormalizedName, specifier: SpecifierSet, extras: Iterable[str]) -> None:
        wanted = self._project(project)
        if str(specifier) not in wanted.specifiers:
            wanted.specifiers[str(specifier)] = specifier
            self._grown.add(project)
        if further := {canonicalize_name(extra) for extra in extras} - wanted.extras:
            wanted.extras |= further
            self._with_more_extras.add(project)

    def _settle(self) -> None:
        """Look again at what projects require of which more extras are wanted; chains may be long."""
        while self._with_more_extras:
            project = self._with_more_extras.pop()
            known = self._project(project)
            further = known.extras - known.settled
            known.settled |= further
            for line in [line for line in known.requires if line not in known.followed]:
                self._follow(project, line, further, f"{project} needs {line}")

    def _applies(self, requirement: Requirement, extras: set[str]) -> bool:
        if requirement.marker is None:
            return True
        marker, text = requirement.marker, str(requirement.marker)
        return any(self._holds(marker, text, extra) for extra in ("", *extras))

    def _holds(self, marker: Marker, text: str, extra: str) -> bool:
        if (text, extra) not in self._verdicts:
            self._verdicts[text, extra] = holds(marker, (extra,), self._environments)
        return self._verdicts[text, extra]

    def _project(self, name: NormalizedName) -> _Project:
        return self._projects.setdefault(name, _Project())


def _read(line: str) -> Requirement | None:
    """Read a requirement; None for one that is malformed, or asks for what is at some URL."""
    try:
        requirement = Requirement(line) if len(line) <= _LONGEST else None
    except (InvalidRequirement, RecursionError):
        return None
    return None if requirement is None or requirement.url is not None else requirement
