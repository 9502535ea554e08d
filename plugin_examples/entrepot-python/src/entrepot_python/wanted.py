"""Which files of a project are wanted, when several ask for it, each for versions of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from entrepot_python.filenames import read_filename
from entrepot_python.names import Names
from entrepot_python.project_page import ListedFile, ProjectPage
from entrepot_python.rules import LeftOut
from entrepot_python.selection import Choice, Selection

_TOLD = "include and what it needs ask for"


@attrs.frozen
class Wanted:
    """What becomes of a page, and by whose word: for each entry the specifiers that chose it.

    `by` is empty where any specifier that admits a version chooses all its files.
    """

    choice: Choice
    by: Sequence[frozenset[str]] = ()


def choose_wanted(
    selection: Selection, project: NormalizedName, page: ProjectPage, specifiers: Mapping[str, SpecifierSet]
) -> Wanted:
    """Decide on every file of a page.

    `newest` counts for each that asks and for each Python on each platform by itself: each finds the
    newest of what it can use. So more that ask never choose less.
    """
    if selection.options.newest is None:
        return Wanted(_for(selection, project, specifiers.values()).choose(project, page))
    names = [read_filename(entry.filename) for entry in page.entries]
    choices = [
        (text, _for(attrs.evolve(selection, targets=target), project, [specifier]).choose(project, page, names))
        for text, specifier in specifiers.items()
        for target in selection.targets.each()
    ]
    by = [frozenset(text for text, choice in choices if choice.left_out[at] is None) for at in range(len(page.entries))]
    left_out = [None if by[at] else _why([choice.left_out[at] for _, choice in choices]) for at in range(len(by))]
    kept = {version for _, choice in choices for version in choice.versions or ()}
    versions = None if page.versions is None else tuple(version for version in page.versions if version in kept)
    return Wanted(Choice(left_out, versions), by)


def to_be_read(page: ProjectPage, choice: Choice) -> frozenset[str]:
    """The files whose metadata tells what a project needs: its wheels, else its source distributions."""
    names = {
        entry.filename: read_filename(entry.filename)
        for entry, why in zip(page.entries, choice.left_out, strict=True)
        if why is None and isinstance(entry, ListedFile)
    }
    built = {name.version for name in names.values() if name.kind == "wheel"}
    return frozenset(
        filename
        for filename, name in names.items()
        if name.kind == "wheel" or (name.kind == "sdist" and name.version not in built)
    )


def _for(selection: Selection, project: NormalizedName, specifiers: Iterable[SpecifierSet]) -> Selection:
    return attrs.evolve(selection, include=Names({project: tuple(specifiers)}, told=_TOLD))


def _why(reasons: Sequence[LeftOut | None]) -> LeftOut | None:
    told = [reason for reason in reasons if reason is not None]
    return next((reason for reason in told if reason.rule == "newest"), told[0])
