"""What several repositories have at a place, seen as one: no group is ever made of two of them.

The first repository that has the group of a path answers for it, also with "not found". One that
cannot be asked answers for nothing, and nobody who ranks below it is asked instead: while it is not
known whether a package is ours, it is nobody's.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeAlias

import attrs

from entrepot.catalog.faults import GoneVersion
from entrepot.errors import UnknownName
from entrepot.model.digest import Digest
from entrepot.serve.lookup import LONGEST_LISTING, Answer, Listing, Moved, look_up
from entrepot.serve.pull_through import NotYet
from entrepot.serve.target import NoSuchPath, Target

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from entrepot.catalog.reader import CatalogReader
    from entrepot.catalog.rows import Located, VersionRow
    from entrepot.depot.combination import Combination
    from entrepot.model.combining import Merge
    from entrepot.serve.kept_pages import KeptPages


@attrs.frozen
class AskFirst:
    """Before anybody who ranks lower is looked at, a repository may fetch this path from its upstream."""

    target: Target


@attrs.frozen
class Merged:
    """A file that is made of one of every repository; one for each media type that all of them have.

    The tag of a file stands for all that it is made of.
    """

    merge: Merge
    sources: Mapping[str, tuple[Located, ...]]
    located: tuple[Located, ...]


CombinedAnswer: TypeAlias = Answer | AskFirst | Merged


def look_up_combined(
    reader: CatalogReader,
    pages: KeptPages,
    combination: Combination,
    target: Target,
    after: str = "",
    *,
    asked: Collection[str] = (),
) -> CombinedAnswer:
    """Find what is at a place of a combination; runs on a thread of the catalog's.

    `asked` are repositories that have been asked to fetch already. Raises as `look_up` does, and
    `NotYet` where a repository that would have to be looked at has no version.
    """
    if isinstance(target.at, int):
        raise NoSuchPath(
            f"{target.name!r} combines repositories and has no numbered versions;"
            f" ask for a date, such as {target.name}@2026-11-01"
        )
    path, members = target.path or "", _Members(reader, pages, combination, target)
    if (merge := combination.combining.merge(path)) is not None:
        return _merged(merge, members.all_with(path), made_of=(combination.made_by, path))
    group = combination.combining.stands_for(path)
    for name in combination.members if path else ():
        may_fetch = name in combination.pulling and target.at is None
        if members.has(name, group, or_nothing=may_fetch):
            return look_up(reader, pages, members.target(name), after)
        if may_fetch and name not in asked:
            return AskFirst(attrs.evolve(target, name=name, path=group))
    if group != path:
        raise NoSuchPath(f"no repository of {target.name!r} has anything at this path")
    return members.folder(after)


@attrs.frozen
class _Members:
    """The repositories of a combination, each in the version that is meant."""

    _reader: CatalogReader
    _pages: KeptPages
    _combination: Combination
    _target: Target
    _versions: dict[str, VersionRow] = attrs.field(factory=dict, init=False)

    def version(self, name: str) -> VersionRow:
        """The version that answers; who has none cannot say what it has, and nobody says it instead."""
        if name not in self._versions:
            try:
                self._versions[name] = self._reader.version(name, self._target.at)
            except UnknownName as error:
                if self._target.at is None:
                    raise NotYet(f"repository {name!r} has no version yet, so that nobody knows what it has") from error
                raise NoSuchPath(f"repository {name!r} had no version at that time") from error
        return self._versions[name]

    def target(self, name: str) -> Target:
        """The place in one of the repositories."""
        return attrs.evolve(self._target, name=name, at=self.version(name).number)

    def has(self, name: str, path: str, *, or_nothing: bool = False) -> bool:
        """Whether one of the repositories has something at a path.

        With `or_nothing` one that has no version has nothing: its upstream is asked for each group.
        """
        try:
            return bool(self._at(name, path))
        except NotYet:
            if or_nothing:
                return False
            raise

    def all_with(self, path: str) -> list[Sequence[Located]]:
        """What every one of the repositories has at a path."""
        return [self._at(name, path) for name in self._combination.members]

    def folder(self, after: str) -> Answer:
        """What is in a folder of any of them, each name once."""
        path, first = self._target.path, self._combination.members[0]
        if path is None:
            return Moved(self.version(first), self._target.folder_url)
        if not path or path.endswith("/"):
            names = sorted(set(self._children(path, after=after, limit=LONGEST_LISTING + 1)))
            if names or not path:
                return Listing(self.version(first), tuple(names[:LONGEST_LISTING]), len(names) > LONGEST_LISTING)
        elif any(self.has(name, f"{path}/") for name in self._combination.members) or self._children(f"{path}/"):
            return Moved(self.version(first), self._target.folder_url)
        raise NoSuchPath(f"no repository of {self._target.name!r} has anything at this path")

    def _children(self, folder: str, *, after: str = "", limit: int = 1) -> list[str]:
        versions = [self.version(name) for name in self._combination.members]
        return [
            child
            for version in versions
            for child in self._reader.children(version.repository, version.number, folder, after=after, limit=limit)
        ]

    def _at(self, name: str, path: str) -> Sequence[Located]:
        number = self.version(name).number
        place = name, number, path
        if self._pages.is_empty(place):
            return ()
        located = self._pages.get(place) or self._reader.locate(*place)
        self._pages.keep(place, located)
        if not located:
            self._check_still_there(name, number)
            self._pages.note_empty(place)
        return located

    def _check_still_there(self, name: str, number: int) -> None:
        """What was pruned while it was looked at looked empty: what is ours would be had from others."""
        try:
            self._reader.version(name, number)
        except GoneVersion as error:
            if self._target.at is None:
                raise NotYet(f"repository {name!r} has a new version; ask again") from error
            raise


def _merged(merge: Merge, found: Sequence[Sequence[Located]], *, made_of: tuple[str, ...]) -> Merged:
    by_kind = [{each.media_type: each for each in located if each.media_type is not None} for located in found]
    common = [kind for kind in by_kind[0] if all(kind in other for other in by_kind)]
    if not common:
        raise NoSuchPath("not every repository that is combined here has something at this path")
    sources = {kind: tuple(files[kind] for files in by_kind) for kind in common}
    stand_ins = (_standing_for(files, (*made_of, kind)) for kind, files in sources.items())
    return Merged(merge, sources, tuple(stand_ins))


def _standing_for(files: Sequence[Located], made_of: tuple[str, ...]) -> Located:
    """A file that is yet to be made: its tag is that of all it is made of, in their order."""
    parts = [*made_of, *(file.declared.hex for file in files if file.declared is not None)]
    tag = hashlib.sha256("\n".join(parts).encode()).digest()
    return files[0]._replace(body=None, artifact=None, declared=Digest("sha256", tag), size=None, headers="")
