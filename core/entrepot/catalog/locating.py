"""Locating: from a path in a version to what answers for it."""

from __future__ import annotations

import hashlib
import zlib
from contextlib import suppress
from typing import Any, Final

import msgspec

from entrepot.catalog.faults import CatalogDamaged
from entrepot.catalog.reserved import SHARED
from entrepot.catalog.rows import Located
from entrepot.catalog.statement import Session, Statement
from entrepot.model.artifact import StoredArtifact
from entrepot.model.digest import Digest

_PUBLISHED: Final = Statement(
    "SELECT p.media_type, p.sha256, p.size, p.stored, p.headers, b.body FROM published_file p"
    " LEFT JOIN published_body b ON b.sha256 = p.sha256 AND NOT p.stored"
    " WHERE p.repository = :repository AND p.relative_path = :path AND p.added <= :number AND p.removed > :number"
    " AND EXISTS (SELECT 1 FROM repository_version v WHERE v.repository = :repository AND v.number = :number"
    " AND v.completed IS NOT NULL AND v.pruned IS NULL) ORDER BY p.media_type"
)
#: Beside a declared artifact `a`: the bytes, where the repository may have them and they are held, and their sources.
HELD: Final = (
    " LEFT JOIN artifact s ON s.sha256 = CASE WHEN a.algorithm = 'sha256' THEN a.digest ELSE"
    " (SELECT d.artifact FROM artifact_digest d JOIN holding h ON h.artifact = d.artifact"
    " AND h.realm IN (:shared, :repository) WHERE d.algorithm = a.algorithm AND d.digest = a.digest"
    " ORDER BY d.artifact LIMIT 1) END"
    " AND EXISTS (SELECT 1 FROM holding h WHERE h.artifact = s.sha256 AND h.realm IN (:shared, :repository))"
    " LEFT JOIN remote_artifact r ON r.repository = :repository AND r.content = a.content"
    " AND r.relative_path = a.relative_path"
)
_CONTENT: Final = Statement(
    "SELECT a.content, a.algorithm, a.digest, a.size, s.sha256, s.size, r.urls FROM content_artifact a"
    " JOIN content c ON c.id = a.content"
    " JOIN membership m ON m.repository = :repository AND m.key = c.key AND m.content = c.id"
    " AND m.added <= :number AND m.removed > :number"
    f"{HELD}"
    " WHERE a.relative_path = :path"
    " AND EXISTS (SELECT 1 FROM repository_version v WHERE v.repository = :repository AND v.number = :number"
    " AND v.completed IS NOT NULL AND v.pruned IS NULL) ORDER BY a.content"
)


_HAD: Final = Statement(
    "SELECT max(v.number) FROM repository_version v WHERE v.repository = :repository"
    " AND v.completed IS NOT NULL AND v.pruned IS NULL AND (EXISTS (SELECT 1 FROM published_file p"
    " WHERE p.repository = :repository AND p.relative_path = :path AND p.added <= v.number AND p.removed > v.number)"
    " OR EXISTS (SELECT 1 FROM content_artifact a JOIN content c ON c.id = a.content"
    " JOIN membership m ON m.repository = :repository AND m.key = c.key AND m.content = c.id"
    " WHERE a.relative_path = :path AND m.added <= v.number AND m.removed > v.number))"
)


def last_with(session: Session, repository: int, path: str) -> int | None:
    """The newest version that is kept and has something at a path."""
    row = session.one(_HAD, repository=repository, path=path)
    return None if row is None or row[0] is None else int(row[0])


def locate(session: Session, repository: int, number: int, path: str) -> list[Located]:
    """Published files first, one for each media type, then artifacts of contents."""
    values: dict[str, Any] = {"repository": repository, "number": number, "path": path, "shared": SHARED}
    return [published(path, row) for row in session.all(_PUBLISHED, **values)] + [
        declared(path, row) for row in session.all(_CONTENT, **values)
    ]


def published(path: str, row: tuple[Any, ...]) -> Located:
    """Make sense of a published file's row; `CatalogDamaged` for a body that is not what was written."""
    media_type, sha256, size, stored, headers, body = row
    artifact = StoredArtifact(sha256, size) if stored else None
    inline = _whole(body, sha256, path) if body is not None else None
    return Located(path, media_type, inline, artifact, Digest("sha256", sha256), size, None, (), headers)


def _whole(body: bytes, sha256: bytes, path: str) -> bytes:
    """The page that was written; damaged bytes are shown to nobody."""
    with suppress(zlib.error):
        inline = zlib.decompress(body)
        if hashlib.sha256(inline).digest() == sha256:
            return inline
    raise CatalogDamaged("a published page is damaged", where=path, remedy="have it made again: entrepot repair")


def declared(path: str, row: tuple[Any, ...]) -> Located:
    """Make sense of the row of a content's artifact, held or not."""
    content, algorithm, digest, size, sha256, stored_size, urls = row
    artifact = StoredArtifact(sha256, stored_size) if sha256 is not None else None
    where = tuple(msgspec.json.decode(urls)) if urls is not None else ()
    return Located(path, None, None, artifact, Digest(algorithm, digest), size, content, where)
