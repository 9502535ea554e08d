"""Which projects and versions a repository includes: its options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from entrepot.plugin import ConfigurationError

EVERYTHING = "*"


@attrs.frozen
class PythonOptions:
    """What `[repositories.NAME.options]` may say.

    `include` lists requirements, such as "pluggy" or "attrs>=23", or is ["*"]: every project.
    """

    include: tuple[str, ...] = ()


@attrs.frozen
class Include:
    """The projects to mirror, each with its specifiers: one of them must admit a version.

    Pre-releases are admitted; clients choose among what is there by rules of their own.
    """

    everything: bool
    projects: Mapping[NormalizedName, tuple[SpecifierSet, ...]]

    def whole(self, project: NormalizedName) -> bool:
        """Whether all versions of a project are included."""
        return self.everything or any(not specifier for specifier in self.projects.get(project, ()))

    def admits(self, project: NormalizedName, version: str | Version | None) -> bool:
        """Whether a version is included; one that cannot be told is, when all are."""
        if self.whole(project):
            return True
        if version is None:
            return False
        try:
            return any(specifier.contains(version, prereleases=True) for specifier in self.projects.get(project, ()))
        except InvalidVersion:
            return False


def parse_include(lines: Iterable[str]) -> Include:
    """Read the option `include`; what is wrong with it is a `ConfigurationError`."""
    wanted = [line.strip() for line in lines]
    if not wanted:
        raise ConfigurationError(
            "the option include names no project",
            remedy='set include = ["pluggy", "attrs>=23"], or include = ["*"] for every project of the index',
        )
    projects: dict[NormalizedName, tuple[SpecifierSet, ...]] = {}
    for line in wanted:
        if line != EVERYTHING:
            requirement = _requirement(line)
            name = canonicalize_name(requirement.name)
            projects[name] = (*projects.get(name, ()), requirement.specifier)
    return Include(EVERYTHING in wanted, projects)


def _requirement(line: str) -> Requirement:
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        raise ConfigurationError(
            f"{line!r} in the option include is not a requirement: {str(error).splitlines()[0]}",
            remedy='write a name, perhaps with versions: "pluggy", "attrs>=23"',
        ) from error
    if requirement.url or requirement.marker or requirement.extras:
        raise ConfigurationError(
            f"{line!r} in the option include says more than a name and versions",
            remedy=f'write "{requirement.name}{requirement.specifier}"; a mirror holds files for every environment',
        )
    return requirement


def version_of(filename: str) -> Version | None:
    """Tell the version from a file's name; None for old forms that do not say it clearly."""
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[1]
        return parse_sdist_filename(filename)[1]
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None
