"""Packages as a selection sees them: what decides on each, and no more, for all are in memory at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

import attrs

from entrepot_deb.options import DebOptions
from entrepot_deb.paragraphs import Paragraph
from entrepot_deb.relations import Alternative
from entrepot_deb.versions import VersionKey, version_key


@attrs.frozen(eq=False)
class Candidate:
    """A package of one list, the `at`-th paragraph there.

    `architecture` is that of the list, which is asked for what a package needs.
    """

    suite: str
    component: str
    architecture: str
    at: int
    name: str
    version: str
    section: str
    priority: str
    source: tuple[str, str]
    needs: Sequence[str]
    recommends: str
    provides: str


@attrs.frozen
class InOrder:
    """The candidates of one name on one architecture, oldest first, and what their order goes by.

    A package may be there in thousands of versions, and needed in as many ways.
    """

    candidates: Sequence[Candidate] = ()
    versions: Sequence[VersionKey] = ()

    @classmethod
    def of(cls, candidates: Iterable[Candidate]) -> InOrder:
        keyed = ((version_key(each.version), each) for each in candidates)
        ordered = sorted(keyed, key=lambda one: (one[0], one[1].version))
        return cls([each for _, each in ordered], [key for key, _ in ordered])

    def meeting(self, alternative: Alternative, count: int | None) -> Sequence[Candidate]:
        """Those that an alternative admits, of so many versions at most, the newest."""
        found = self.candidates[alternative.among(self.versions)]
        if count is None:
            return found
        kept: set[str] = set()
        for at in range(len(found) - 1, -1, -1):
            kept.add(found[at].version)
            if len(kept) > count:
                return found[at + 1 :]
        return found


@attrs.frozen
class LeftOut:
    """Why a package is not mirrored, and what lets it in."""

    rule: str
    reason: str
    remedy: str


def candidate(paragraph: Paragraph, at: int, *, suite: str, component: str, architecture: str) -> Candidate | None:
    """Take from a paragraph what decides; None where it does not even say what it is."""
    name, version = paragraph.get("Package"), paragraph.get("Version")
    if not name or not version:
        return None
    return Candidate(
        suite=suite,
        component=component,
        architecture=architecture,
        at=at,
        name=name,
        version=version,
        section=paragraph.get("Section") or "",
        priority=paragraph.get("Priority") or "",
        source=_source(paragraph, name, version),
        needs=[field for name in ("Pre-Depends", "Depends") if (field := paragraph.get(name))],
        recommends=paragraph.get("Recommends") or "",
        provides=paragraph.get("Provides") or "",
    )


def left_out(package: Candidate, options: DebOptions) -> LeftOut | None:
    """The first rule that speaks against a package that is asked for."""
    if (pattern := is_excluded(package, options)) is not None:
        return LeftOut("exclude", f"exclude names {pattern}", "take it out of exclude")
    if options.sections and not any(_is_in(package.section, pattern) for pattern in options.sections):
        told = f"its section is {package.section or 'not told'}, and sections asks for {', '.join(options.sections)}"
        return LeftOut("sections", told, f'add "{package.section}" to sections, or name it in packages')
    if options.priorities and package.priority not in options.priorities:
        asked = ", ".join(options.priorities)
        told = f"its priority is {package.priority or 'not told'}, and priorities asks for {asked}"
        return LeftOut("priorities", told, f'add "{package.priority}" to priorities')
    return None


def is_asked(package: Candidate, options: DebOptions) -> bool:
    """Whether `packages` names it; it asks for all where it is empty."""
    return not options.packages or any(fnmatchcase(package.name, pattern) for pattern in options.packages)


def is_excluded(package: Candidate, options: DebOptions) -> str | None:
    """The pattern of `exclude` that names it."""
    return next((pattern for pattern in options.exclude if fnmatchcase(package.name, pattern)), None)


def newest(packages: Sequence[Candidate], count: int) -> tuple[list[Candidate], str]:
    """The newest versions of one package, so many, and the oldest of them.

    Of equal ones that are written differently, such as 1.0 and 1.00, it is the same at every sync.
    """
    texts = {package.version for package in packages}
    ordered = sorted(texts, key=lambda text: (version_key(text), text), reverse=True)[:count]
    return [package for package in packages if package.version in ordered], ordered[-1] if ordered else ""


def _is_in(section: str, pattern: str) -> bool:
    """A section may stand below its area: contrib/net is of net as well."""
    return fnmatchcase(section, pattern) or fnmatchcase(section.rpartition("/")[2], pattern)


def _source(paragraph: Paragraph, name: str, version: str) -> tuple[str, str]:
    """The source package that it was built from (Policy 5.6.1), whose version may be another one."""
    said, _, rest = (paragraph.get("Source") or name).partition(" ")
    return said, rest.strip("() ") or version
