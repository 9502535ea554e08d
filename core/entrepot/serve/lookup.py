"""What the catalog has at a place: a URL is looked up, never mapped to the name of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from entrepot.errors import UnknownName
from entrepot.serve.target import NoSuchPath, Target

if TYPE_CHECKING:
    from entrepot.catalog.reader import CatalogReader
    from entrepot.catalog.rows import Located, VersionRow
    from entrepot.serve.kept_pages import KeptPages

#: Names on one page of a listing.
LONGEST_LISTING: Final = 1000


@attrs.frozen
class Found:
    """Files at the place: one, or several that differ in media type."""

    version: VersionRow
    located: tuple[Located, ...]


@attrs.frozen
class Moved:
    """Nothing is at the place itself, but there is a folder of that name."""

    version: VersionRow
    url: str


@attrs.frozen
class Listing:
    """A folder without a page of its own; `more` when there are names after the last one."""

    version: VersionRow
    names: tuple[str, ...]
    more: bool


Answer: TypeAlias = Found | Moved | Listing


def look_up(
    reader: CatalogReader, pages: KeptPages, target: Target, after: str = "", *, lasting: bool = False
) -> Answer:
    """Find what is at a place; runs on a thread of the catalog's.

    Raises `UnknownName`, `GoneVersion` or `NoSuchPath`. `after` is the last name of a listing's
    page before. With `lasting`, an earlier version may answer for the latest.
    """
    version = reader.version(target.name, target.at)
    path, number = target.path, version.number
    if path is None:
        return Moved(version, target.folder_url)
    place = target.name, number, path
    located = pages.get(place) or (reader.locate(*place) if path else ())
    if located:
        pages.keep(place, located)
        return Found(version, tuple(located))
    if lasting and target.at is None and (earlier := reader.last_with(target.name, path)) is not None:
        return Found(earlier, tuple(reader.locate(target.name, earlier.number, path)))
    if not path or path.endswith("/"):
        names = reader.children(target.name, number, path, after=after, limit=LONGEST_LISTING + 1)
        if names or not path:
            return Listing(version, tuple(names[:LONGEST_LISTING]), len(names) > LONGEST_LISTING)
    elif reader.locate(target.name, number, f"{path}/") or reader.children(target.name, number, f"{path}/", limit=1):
        return Moved(version, target.folder_url)
    raise NoSuchPath(f"version {number} of repository {target.name!r} has nothing at this path")


def is_private(reader: CatalogReader, name: str) -> bool:
    """Whether a repository that is no longer configured was private when it was last synced."""
    for row in reader.repositories():
        if row.name == name:
            return row.private
    raise UnknownName("repository", name, [])
