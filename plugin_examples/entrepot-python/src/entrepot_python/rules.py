"""The rules that leave files of one project out, each by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
from packaging.utils import NormalizedName
from packaging.version import Version

from entrepot_python.filenames import FileName
from entrepot_python.names import AnyOf, admits
from entrepot_python.project_page import Entry, ListedFile

if TYPE_CHECKING:
    from entrepot_python.selection import Selection


@attrs.frozen
class LeftOut:
    """Why a file is not mirrored, and what lets it in."""

    rule: str
    reason: str
    remedy: str


class Rules:
    """The rules for one project, in the order in which they are asked."""

    def __init__(self, selection: Selection, project: NormalizedName) -> None:
        self._project = project
        self._options = options = selection.options
        self._targets = selection.targets
        self._included, self._told = selection.include.specifiers(project), selection.include.told
        self._asked = AnyOf(self._included)
        self._excluded = selection.exclude.specifiers(project)
        is_open = not (options.package_types or options.python_versions or options.platforms)
        is_open = is_open and options.prereleases and options.newest is None and options.max_size is None
        self.admit_all = is_open and not self._excluded and any(not each for each in self._included)

    def left_out(self, entry: Entry, name: FileName) -> LeftOut | None:
        """The first rule that speaks against a file."""
        out = self._by_version(name.version) or self._by_kind(name)
        if out is not None or not isinstance(entry, ListedFile):
            return out
        return self._by_target(entry, name) or self._by_size(entry.size)

    def versions(
        self,
        listed: tuple[str, ...] | None,
        names: Sequence[FileName],
        left_out: Sequence[LeftOut | None],
        oldest: Version | None,
    ) -> tuple[str, ...] | None:
        """Those with a file that is mirrored, and of those without any file what the rules admit."""
        if listed is None:
            return None
        kept = {name.version for name, out in zip(names, left_out, strict=True) if out is None}
        gone = {name.version for name in names} - kept

        def stays(text: str) -> bool:
            version = _version(text)
            if version is not None and version in kept | gone:
                return version in kept
            is_old = oldest is not None and (version is None or release_of(version) < oldest)
            return not is_old and self._by_version(version) is None

        return tuple(text for text in listed if stays(text))

    def _by_version(self, version: Version | None) -> LeftOut | None:
        release = self._project if version is None else f"{self._project}=={version}"
        if not self._asked.admit(version):
            asked = ", ".join(sorted(map(str, self._included)))
            what = "its name does not tell its version" if version is None else f"it is version {version}"
            reason = f"{what}, and {self._told} {asked:.200}"
            return LeftOut("include", reason, f'add "{release}" to include')
        if admits(self._excluded, version):
            asked = ", ".join(sorted(f"{self._project}{each}" for each in self._excluded))
            return LeftOut("exclude", f"exclude names {asked}", "take it out of exclude")
        if self._options.prereleases or version is None or not version.is_prerelease:
            return None
        if any(each.prereleases and each.contains(version) for each in self._included):
            return None
        remedy = f'set prereleases = true, or add "{release}" to include'
        return LeftOut("prereleases", f"{version} is a pre-release", remedy)

    def _by_kind(self, name: FileName) -> LeftOut | None:
        kinds = self._options.package_types
        if not kinds or name.kind in kinds:
            return None
        told = f"it is of type {name.kind}, and package_types asks for {', '.join(kinds)}"
        return LeftOut("package-types", told, f'add "{name.kind}" to package_types')

    def _by_target(self, file: ListedFile, name: FileName) -> LeftOut | None:
        asked, tags = ", ".join(self._options.python_versions), list(name.tags)
        if self._targets.pythons:
            if not self._targets.satisfy(file.requires_python):
                reason = f"it requires Python {file.requires_python!r:.80}, and python_versions asks for {asked}"
                return LeftOut("python-versions", reason, "add a version that satisfies it to python_versions")
            if tags and not (tags := self._targets.for_python(tags)):
                reason = f"none of python_versions runs it: {asked}"
                return LeftOut("python-versions", reason, "add the version that it was built for to python_versions")
        if not tags or not self._targets.each_platform or self._targets.for_platform(tags):
            return None
        built_for = ", ".join(sorted({tag.platform for tag in tags}))
        reason = f"it is for {built_for:.200}, and platforms asks for {', '.join(self._options.platforms)}"
        return LeftOut("platforms", reason, f'add "{min(tag.platform for tag in tags):.80}" to platforms')

    def _by_size(self, size: int | None) -> LeftOut | None:
        most = self._options.max_size
        if most is None or size is None or size <= most:
            return None
        return LeftOut("max-size", f"it has {size} bytes, and max_size is {most}", f"set max_size = {size}")


def release_of(version: Version) -> Version:
    """The release, of which builds with a local label of their own are parts."""
    return Version(version.public) if version.local else version


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except ValueError:  # no version, or one of more digits than Python turns into a number
        return None
