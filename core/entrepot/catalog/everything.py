"""Everything that a version has, a page at a time, for who makes files of it."""

from __future__ import annotations

from typing import Final

from entrepot.catalog.locating import HELD, declared, published
from entrepot.catalog.reserved import SHARED
from entrepot.catalog.rows import Located
from entrepot.catalog.statement import Session, Statement

#: Published files of a page: their bodies fit in memory together, whatever they hold.
_BODIES_AT_ONCE: Final = 100
_ROWS_AT_ONCE: Final = 1000

_PUBLISHED: Final = Statement(
    "SELECT p.relative_path, p.media_type, p.sha256, p.size, p.stored, p.headers, b.body FROM published_file p"
    " LEFT JOIN published_body b ON b.sha256 = p.sha256 AND NOT p.stored"
    " WHERE p.repository = :repository AND (p.relative_path, p.media_type) > (:path, :media_type)"
    " AND p.added <= :number AND p.removed > :number ORDER BY p.relative_path, p.media_type LIMIT :limit"
)
_DECLARED: Final = Statement(
    "SELECT m.key, a.relative_path, a.content, a.algorithm, a.digest, a.size, s.sha256, s.size, r.urls"
    " FROM membership m CROSS JOIN content_artifact a"
    f"{HELD}"
    " WHERE m.repository = :repository AND m.added <= :number AND m.removed > :number AND a.content = m.content"
    " AND m.key >= :key AND (m.key > :key OR a.relative_path > :path)"
    " ORDER BY m.key, a.relative_path LIMIT :limit"
)


def published_files(session: Session, repository: int, number: int, *, after: tuple[str, str]) -> list[Located]:
    """A page of published files in order of path and media type."""
    path, media_type = after
    rows = session.all(
        _PUBLISHED, repository=repository, number=number, path=path, media_type=media_type, limit=_BODIES_AT_ONCE
    )
    return [published(path, tuple(row)) for path, *row in rows]


def declared_files(
    session: Session, repository: int, number: int, *, after: tuple[str, str]
) -> list[tuple[str, Located]]:
    """A page of artifacts in order of their member's key and path."""
    key, path = after
    rows = session.all(
        _DECLARED, repository=repository, number=number, key=key, path=path, shared=SHARED, limit=_ROWS_AT_ONCE
    )
    return [(key, declared(path, tuple(row))) for key, path, *row in rows]
