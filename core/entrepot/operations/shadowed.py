"""Shadowed: what repositories of a combination have and do not give, for one of higher rank has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import attrs

from entrepot.catalog.faults import GoneVersion
from entrepot.errors import ConfigurationError
from entrepot.operations.versions import is_synced

if TYPE_CHECKING:
    from entrepot.catalog.rows import VersionRow
    from entrepot.depot import Depot

_PAGE = 1000
_AT_A_GLANCE = 10


@attrs.frozen(kw_only=True)
class Shadowed:
    """A group, by the path that stands for it: `by` answers for it, and `of` have it as well."""

    path: str
    by: str
    of: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The line that programs get."""
        return {"event": "shadowed", **attrs.asdict(self)}


def shadowed(depot: Depot, name: str, *, pages: int | None = None) -> Iterator[Shadowed]:
    """Walk the latest versions of a combination's repositories, some thousand paths at a time.

    In order of rank, then of path; of each repository all paths, or so many pages of a thousand.
    `UnknownName` for what is no combination, and where one of its repositories has no version.
    """
    combining = depot.combination(name).combining
    versions = _latest(depot, depot.combination(name).members)
    for rank, version in enumerate(versions[:-1]):
        for page in islice(_pages(depot, version), pages):
            groups = [path for path in page if combining.stands_for(path) == path and combining.merge(path) is None]
            yield from _shadowed(depot, versions, rank, groups)


def count_at_a_glance(depot: Depot, name: str) -> int | None:
    """How many groups are shadowed, as far as some thousand paths tell; None while that cannot be said."""
    try:
        return sum(1 for _ in shadowed(depot, name, pages=_AT_A_GLANCE))
    except (ConfigurationError, GoneVersion):
        return None


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
