"""Projects by name or pattern, each with the versions that are meant: include, and exclude."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

import attrs
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import InvalidVersion, Version

from entrepot.plugin import ConfigurationError

#: A name with * or ? in it, and perhaps versions.
_PATTERN: Final = re.compile(r"([A-Za-z0-9._*?-]*[*?][A-Za-z0-9._*?-]*)\s*([<>=!~].*)?", re.ASCII)


@attrs.frozen
class Names:
    """Projects and their versions: one of the specifiers of a name must admit a version.

    Pre-releases are admitted; clients choose among what is there by rules of their own. `extras`
    are those that are asked for by name. `told` is how people are told who asks.
    """

    named: Mapping[NormalizedName, tuple[SpecifierSet, ...]]
    patterns: tuple[tuple[str, SpecifierSet], ...] = ()
    extras: Mapping[NormalizedName, frozenset[str]] = attrs.field(factory=dict)
    told: str = "include asks for"

    def specifiers(self, project: NormalizedName) -> list[SpecifierSet]:
        """All that is said of the versions of a project; nothing where it is not meant at all."""
        found = list(self.named.get(project, ()))
        return found + [specifier for pattern, specifier in self.patterns if fnmatchcase(project, pattern)]

    def whole(self, project: NormalizedName) -> bool:
        """Whether all versions of a project are meant."""
        return any(not specifier for specifier in self.specifiers(project))

    def and_named(self, requirements: Iterable[Requirement]) -> Names:
        """Add what files ask for."""
        named, extras = dict(self.named), dict(self.extras)
        for requirement in requirements:
            name = canonicalize_name(requirement.name)
            named[name] = (*named.get(name, ()), requirement.specifier)
            if requirement.extras:
                extras[name] = extras.get(name, frozenset()) | requirement.extras
        return attrs.evolve(self, named=named, extras=extras)


def admits(specifiers: Iterable[SpecifierSet], version: str | Version | None) -> bool:
    """Whether one of the specifiers admits a version; one that cannot be told, only where all are."""
    try:
        return any(
            not each or (version is not None and each.contains(version, prereleases=True)) for each in specifiers
        )
    except InvalidVersion:
        return False


@attrs.define
class AnyOf:
    """Many specifiers, of which one must admit a version.

    The one that admitted the last version is asked first: what needs a project in many releases of
    its own mostly asks for many neighbouring ranges, and a page lists neighbours together.
    """

    specifiers: Sequence[SpecifierSet]
    _last: int = attrs.field(default=0, init=False)

    def admit(self, version: Version | None) -> bool:
        """Whether one does."""
        count = len(self.specifiers)
        for at in itertools.chain(range(self._last, count), range(self._last)):
            if admits((self.specifiers[at],), version):
                self._last = at
                return True
        return False


def parse_names(lines: Iterable[str], option: str, *, with_extras: bool = False) -> Names:
    """Read an option, which may ask for extras or not; what is wrong with it is a `ConfigurationError`."""
    requirements, patterns = [], []
    for line in lines:
        if found := _PATTERN.fullmatch(line.strip()):
            patterns.append((canonicalize_name(found[1]), _versions(found[2] or "", line, option)))
        else:
            requirements.append(_requirement(line.strip(), option, with_extras=with_extras))
    return Names({}, tuple(patterns)).and_named(requirements)


def _versions(text: str, line: str, option: str) -> SpecifierSet:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier as error:
        raise _wrong(line, option, str(error)) from error


def _requirement(line: str, option: str, *, with_extras: bool) -> Requirement:
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        raise _wrong(line, option, str(error).splitlines()[0]) from error
    if requirement.url or requirement.marker:
        raise ConfigurationError(
            f"{line!r} in the option {option} says more than a name and versions",
            remedy=f'write "{requirement.name}{requirement.specifier}"; a mirror holds files for every environment',
        )
    if requirement.extras and not with_extras:
        raise ConfigurationError(
            f"{line!r} in the option {option} asks for extras, which are nothing but further requirements",
            remedy=f'write "{requirement.name}{requirement.specifier}", or set dependencies = true to mirror those too',
        )
    return requirement


def _wrong(line: str, option: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{line!r} in the option {option} is not a requirement: {why}",
        remedy='write a name, perhaps with versions: "pluggy", "attrs>=23", "flask-*"',
    )
