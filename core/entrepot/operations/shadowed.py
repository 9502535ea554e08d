"""Shadowed: what repositories of a combination have and do not give, for one of higher rank has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from entrepot.operations.versions import is_synced

if TYPE_CHECKING:
    from entrepot.catalog.rows import VersionRow
    from entrepot.depot import Depot

_PAGE = 1000


@attrs.frozen(kw_only=True)
class Shadowed:
    """A group, by the path that stands for it: `by` answers for it, and `of` have it as well."""

    path: str
    by: str
    of: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The line that programs get."""
        return {"event": "shadowed", **attrs.asdict(self)}


def shadowed(depot: Depot, name: str) -> Iterator[Shadowed]:
    """Walk the latest versions of a combination's repositories, some thousand paths at a time.

    In order of rank, then of path. `UnknownName` for what is no combination, and where one of its
    repositories has no version.
    """
    combining = depot.combination(name).combining
    versions = _latest(depot, depot.combination(name).members)
    for rank, version in enumerate(versions[:-1]):
        for page in _pages(depot, version):
            groups = [path for path in page if combining.stands_for(path) == path and combining.merge(path) is None]
            yield from _shadowed(depot, versions, rank, groups)


def _latest(depot: Depot, members: Sequence[str]) -> list[VersionRow]:
    for member in members:
        is_synced(depot, member)
    return [depot.catalog.reader.version(member) for member in members]


def _pages(depot: Depot, version: VersionRow) -> Iterator[list[str]]:
    after = ""
    while page := depot.catalog.reader.paths(version.repository, version.number, after=after, limit=_PAGE):
        yield page
        after = page[-1]


def _shadowed(depot: Depot, versions: Sequence[VersionRow], rank: int, groups: Sequence[str]) -> Iterator[Shadowed]:
    """What one repository answers for, though others have it; what it is not asked for is told of another."""
    reader = depot.catalog.reader
    had = [reader.among(each.repository, each.number, groups) for each in versions if groups]
    for path in groups:
        having = [each.repository for each, paths in zip(versions, had, strict=True) if path in paths]
        if len(having) > 1 and having[0] == versions[rank].repository:
            yield Shadowed(path=path, by=having[0], of=tuple(having[1:]))
