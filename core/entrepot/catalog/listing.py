"""Listings of a finished version: its members, and the names below a folder."""

from __future__ import annotations

from typing import Final

from entrepot.catalog.statement import Session, Statement
from entrepot.model.ledger import ContentRow

_MEMBERS: Final = Statement(
    "SELECT m.key, m.content, c.type, c.fields FROM membership m CROSS JOIN content c"
    " WHERE m.repository = :repository AND m.key > :after AND m.added <= :number AND m.removed > :number"
    " AND c.id = m.content ORDER BY m.key LIMIT :limit"
)
#: Paths between two, of a version: those of published files, and of artifacts, which may be named several times.
PUBLISHED_PATHS: Final = Statement(
    "SELECT DISTINCT p.relative_path FROM published_file p WHERE p.repository = :repository"
    " AND p.relative_path > :after AND p.relative_path < :end AND p.added <= :number AND p.removed > :number"
    " ORDER BY p.relative_path LIMIT :limit"
)
CONTENT_PATHS: Final = Statement(
    "SELECT a.relative_path FROM content_artifact a CROSS JOIN content c CROSS JOIN membership m"
    " WHERE a.relative_path > :after AND a.relative_path < :end AND c.id = a.content"
    " AND m.repository = :repository AND m.key = c.key AND m.content = c.id"
    " AND m.added <= :number AND m.removed > :number ORDER BY a.relative_path LIMIT :limit"
)

#: Paths that are read ahead; a folder among them is stepped over whole.
_AHEAD: Final = 256

#: What follows "/" in the order of text: everything below a folder lies before it.
_PAST: Final = chr(ord("/") + 1)


def members(session: Session, repository: int, number: int, *, after: str, limit: int) -> list[ContentRow]:
    """A page of members in order of key."""
    rows = session.all(_MEMBERS, repository=repository, number=number, after=after, limit=limit)
    return [ContentRow(*row) for row in rows]


def children(session: Session, repository: int, number: int, *, folder: str, after: str, limit: int) -> list[str]:
    """A page of the names right below a folder, published files and contents alike."""
    names: list[str] = []
    last = _beyond(folder, after) if after else folder
    end = folder[:-1] + _PAST if folder else chr(0x10FFFF)
    while len(names) < limit:
        found: set[str] = set()
        full = []
        for statement in (PUBLISHED_PATHS, CONTENT_PATHS):
            paths = [
                path
                for (path,) in session.all(
                    statement, repository=repository, number=number, after=last, end=end, limit=_AHEAD
                )
            ]
            found.update(paths)
            full += paths[-1:] if len(paths) == _AHEAD else []
        # Where one answer was cut short, the other may not run ahead of it.
        known = sorted(path for path in found if not full or path <= min(full))
        if not known:
            break
        last = _collect(names, known, folder)
    return names[:limit]


def _collect(names: list[str], paths: list[str], folder: str) -> str:
    """Add names of children; the path to go on after, past the first folder that is met."""
    for path in paths:
        name, slash, _ = path[len(folder) :].partition("/")
        names.append(name + slash)
        if slash:
            return _beyond(folder, name + slash)
    return paths[-1]


def _beyond(folder: str, name: str) -> str:
    """The last path that belongs to a child, or none before which others could come."""
    return f"{folder}{name}{chr(0x10FFFF)}" if name.endswith("/") else folder + name
