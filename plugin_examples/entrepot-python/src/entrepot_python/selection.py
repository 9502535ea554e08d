"""Which files of a project are mirrored, and by which rule the others are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from entrepot.plugin import ConfigurationError
from entrepot_python.filenames import FileName, read_filename
from entrepot_python.names import Names, parse_names
from entrepot_python.options import PythonOptions, check_options
from entrepot_python.project_page import Entry, ListedFile, ProjectPage
from entrepot_python.rules import LeftOut, Rules, release_of
from entrepot_python.targets import Targets, parse_targets


@attrs.frozen
class Choice:
    """What becomes of a page: for each of its entries None or why it is left out, and its versions."""

    left_out: Sequence[LeftOut | None]
    versions: tuple[str, ...] | None


@attrs.frozen(kw_only=True)
class Selection:
    """All rules together; each leaves out what it does not admit."""

    include: Names
    exclude: Names
    targets: Targets
    options: PythonOptions

    def choose(self, project: NormalizedName, page: ProjectPage, names: Sequence[FileName] | None = None) -> Choice:
        """Decide on every file of a page; a file that nothing speaks against is not even looked at.

        Who chooses several times hands in what the files' `names` tell.
        """
        rules = Rules(self, project)
        if rules.admit_all:
            return Choice([None] * len(page.entries), page.versions)
        names = names or [read_filename(entry.filename) for entry in page.entries]
        left_out = [rules.left_out(entry, name) for entry, name in zip(page.entries, names, strict=True)]
        oldest = self._oldest(page.entries, names, left_out)
        if oldest is not None:
            left_out = [out or _too_old(name, oldest) for name, out in zip(names, left_out, strict=True)]
        return Choice(left_out, rules.versions(page.versions, names, left_out, oldest))

    def and_included(self, requirements: Sequence[Requirement], *, pull_through: bool = False) -> Selection:
        """Add what files ask for; raises `ConfigurationError` when nothing is asked for at all."""
        include = self.include.and_named(requirements)
        if not include.named and not include.patterns and not pull_through:
            raise ConfigurationError(
                "no file of include_from names a project of an index", remedy='write include = ["pluggy"], for instance'
            )
        return attrs.evolve(self, include=include)

    def and_pulled(self, projects: Iterable[str]) -> Selection:
        """Add what clients asked for: all versions of a project, unless its versions are chosen already."""
        unnamed = [project for project in projects if not self.include.specifiers(canonicalize_name(project))]
        return attrs.evolve(self, include=self.include.and_named(map(Requirement, unnamed)))

    def asked(self, project: NormalizedName) -> str:
        """Say which versions of a project are asked for, to know when that changes; one line."""
        return " || ".join(sorted(map(str, self.include.specifiers(project))))

    def _oldest(
        self, entries: Sequence[Entry], names: Sequence[FileName], left_out: Sequence[LeftOut | None]
    ) -> Version | None:
        """The oldest release that `newest` counts, or None where there are fewer."""
        if self.options.newest is None:
            return None
        yanked: dict[Version, bool] = {}
        for entry, name, out in zip(entries, names, left_out, strict=True):
            if out is None and name.version is not None:
                release, is_yanked = release_of(name.version), isinstance(entry, ListedFile) and bool(entry.yanked)
                yanked[release] = yanked.get(release, True) and is_yanked
        usable = [release for release in yanked if not yanked[release]] or list(yanked)
        counted = sorted([release for release in usable if not release.is_prerelease] or usable, reverse=True)
        return counted[self.options.newest - 1] if len(counted) >= self.options.newest else None


def parse_selection(options: PythonOptions, *, pull_through: bool = False) -> Selection:
    """Read the options; what is wrong with them is a `ConfigurationError`.

    With `pull_through` they need not ask for anything: clients do.
    """
    check_options(options, pull_through=pull_through)
    return Selection(
        include=parse_names(options.include, "include", with_extras=options.dependencies),
        exclude=parse_names(options.exclude, "exclude"),
        targets=parse_targets(options.python_versions, options.platforms),
        options=options,
    )


def _too_old(name: FileName, oldest: Version) -> LeftOut | None:
    if name.version is not None and release_of(name.version) >= oldest:
        return None
    told = "its name does not tell its version" if name.version is None else f"it is version {name.version}"
    return LeftOut("newest", f"{told}, and newest ends with {oldest}", "raise newest")
