"""Inventory: what bytes there should be, who needs them, and where they can be had again."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from entrepot.catalog.batch import Batch
from entrepot.catalog.reserved import OPEN, SHARED
from entrepot.catalog.snapshot import snapshot
from entrepot.catalog.statement import PIECE, Session, Statement, StatementCount
from entrepot.model.artifact import StoredArtifact

if TYPE_CHECKING:
    from entrepot.catalog.writing import Database

#: Bodies of publications that are read at a time: together they fit in memory whatever they hold.
_BODIES_AT_ONCE: Final = 100

_NAMED: Final = Batch("sha256 sha256")
_IN_BATCH: Final = "IN (SELECT batch.sha256 FROM {batch})"

_ARTIFACTS: Final = Statement(
    "SELECT sha256, size FROM artifact WHERE sha256 > :after AND condemned IS NULL ORDER BY sha256 LIMIT :limit"
)
_SPAN: Final = "{0}.repository = :repository AND {0}.added <= :last AND {0}.removed > :first"
_OF_REPOSITORY: Final = Statement(
    "SELECT s.sha256, s.size FROM membership m CROSS JOIN content_artifact a CROSS JOIN artifact s"
    f" WHERE {_SPAN.format('m')} AND a.content = m.content AND s.condemned IS NULL"
    " AND s.sha256 = CASE WHEN a.algorithm = 'sha256' THEN a.digest ELSE"
    " (SELECT d.artifact FROM artifact_digest d JOIN holding h ON h.artifact = d.artifact"
    " AND h.realm IN (:shared, :repository) WHERE d.algorithm = a.algorithm AND d.digest = a.digest"
    " ORDER BY d.artifact LIMIT 1) END"
    " AND EXISTS (SELECT 1 FROM holding h WHERE h.artifact = s.sha256 AND h.realm IN (:shared, :repository))"
    " UNION SELECT s.sha256, s.size FROM published_file p CROSS JOIN artifact s"
    f" WHERE {_SPAN.format('p')} AND p.stored AND s.sha256 = p.sha256 ORDER BY 1"
)
_BODIES: Final = Statement("SELECT sha256, body FROM published_body WHERE sha256 > :after ORDER BY sha256 LIMIT :limit")
_BODIES_OF: Final = Statement(
    "SELECT b.sha256, b.body FROM published_body b WHERE b.sha256 > :after AND b.sha256 IN"
    f" (SELECT p.sha256 FROM published_file p WHERE {_SPAN.format('p')} AND NOT p.stored)"
    " ORDER BY b.sha256 LIMIT :limit"
)
_RECORDED: Final = Statement(f"SELECT sha256, condemned FROM artifact WHERE sha256 {_IN_BATCH}", _NAMED)
_DIGESTS: Final = Statement(
    f"SELECT artifact, algorithm, digest FROM artifact_digest WHERE artifact {_IN_BATCH}", _NAMED
)
_HOLDINGS: Final = Statement(f"SELECT artifact, realm FROM holding WHERE artifact {_IN_BATCH}", _NAMED)
_PUBLISHED_BY: Final = Statement(
    "SELECT DISTINCT p.sha256, r.name FROM published_file p JOIN repository r ON r.id = p.repository"
    f" WHERE p.sha256 {_IN_BATCH}",
    _NAMED,
)
# CROSS JOIN keeps SQLite to the order written here: one pass over what contents refer to.
_DECLARED_BY: Final = Statement(
    "SELECT DISTINCT a.algorithm, a.digest, r.id, r.name, r.private, s.urls FROM content_artifact a"
    " CROSS JOIN content c CROSS JOIN repository r CROSS JOIN membership m"
    " LEFT JOIN remote_artifact s ON s.repository = r.id AND s.content = a.content"
    " AND s.relative_path = a.relative_path"
    " WHERE a.digest IN (SELECT batch.digest FROM {batch}) AND c.id = a.content"
    " AND m.repository = r.id AND m.key = c.key AND m.content = c.id",
    Batch("digest blob"),
)
_PUBLISHED_AT: Final = Statement(
    "SELECT p.sha256, p.size, p.stored, p.relative_path, p.media_type, r.id, r.name, r.private, max(v.number)"
    " FROM published_file p JOIN repository r ON r.id = p.repository JOIN repository_version v"
    " ON v.repository = p.repository AND v.number >= p.added AND v.number < p.removed"
    f" WHERE v.completed IS NOT NULL AND v.pruned IS NULL AND p.sha256 {_IN_BATCH}"
    " GROUP BY p.sha256, p.size, p.stored, p.relative_path, p.media_type, r.id, r.name, r.private"
    " ORDER BY r.name, 9, p.relative_path, p.media_type",
    _NAMED,
)
_REPOSITORY: Final = Statement("SELECT id FROM repository WHERE name = :name")
_WRITTEN_TO: Final = Statement("SELECT count(*) FROM lease WHERE run IS NOT NULL")


class Origin(NamedTuple):
    """A repository that needs certain bytes and may have them, and where it was told to fetch them."""

    repository: str
    private: bool
    urls: tuple[str, ...]


class Needed(NamedTuple):
    """Who needs certain bytes: by declaring them, and by having published them."""

    origins: tuple[Origin, ...]
    publishers: tuple[str, ...]

    @property
    def repositories(self) -> list[str]:
        """All their names, in order."""
        return sorted({origin.repository for origin in self.origins} | set(self.publishers))


class PublishedAt(NamedTuple):
    """A file of a publication, and the latest version that has it so; `stored`: not in the catalog."""

    sha256: bytes
    size: int
    stored: bool
    relative_path: str
    media_type: str
    repository: int
    name: str
    private: bool
    number: int


class Inventory:
    """Answers about bytes, for whoever compares them with what storage holds.

    Safe to use from many threads. What the collector is about to remove is not asked for.
    """

    def __init__(self, database: Database, count: StatementCount) -> None:
        self._reading = partial(snapshot, database, count)

    def artifacts(self, *, after: bytes = b"", limit: int = PIECE) -> list[StoredArtifact]:
        """A page of all artifacts in order of digest, after the last one of the page before."""
        with self._reading() as session:
            return [StoredArtifact(*row) for row in session.all(_ARTIFACTS, after=after, limit=limit)]

    def artifacts_of(self, name: str, number: int | None = None) -> Iterator[StoredArtifact]:
        """What a repository holds for one of its versions or for all, each once, in order of digest.

        All of it is of one moment, so read it without delay.
        """
        with self._reading() as session:
            span = _span(session, name, number)
            for row in session.stream(_OF_REPOSITORY, **span, shared=SHARED):
                yield StoredArtifact(*row)

    def bodies(self, *, after: bytes = b"", of: tuple[str, int | None] | None = None) -> list[tuple[bytes, bool]]:
        """A page of published bodies that the catalog itself holds, each with whether it is right."""
        with self._reading() as session:
            if of is None:
                rows = session.all(_BODIES, after=after, limit=_BODIES_AT_ONCE)
            else:
                rows = session.all(_BODIES_OF, after=after, limit=_BODIES_AT_ONCE, **_span(session, *of))
            return [(sha256, _is_right(sha256, body)) for sha256, body in rows]

    def recorded(self, digests: Sequence[bytes]) -> dict[bytes, bool]:
        """Which of these have rows, and whether these are wanted still or about to be collected."""
        with self._reading() as session:
            rows = session.all(_RECORDED, [(digest,) for digest in digests])
        return {sha256: condemned is None for sha256, condemned in rows}

    def needed(self, digests: Sequence[bytes]) -> dict[bytes, Needed]:
        """Who needs bytes; one pass over the catalog, however many are asked for."""
        if not digests:
            return {}
        named = [(digest,) for digest in digests]
        with self._reading() as session:
            known = {("sha256", digest): digest for digest in digests}
            known |= {(algorithm, value): sha256 for sha256, algorithm, value in session.all(_DIGESTS, named)}
            held = set(session.all(_HOLDINGS, named))
            declared = session.all(_DECLARED_BY, [(digest,) for _, digest in sorted(known)])
            published = session.all(_PUBLISHED_BY, named)
        origins: dict[bytes, dict[Origin, None]] = {digest: {} for digest in digests}
        for algorithm, digest, repository, name, private, urls in declared:
            sha256 = known.get((algorithm, digest))
            if sha256 is not None and held & {(sha256, SHARED), (sha256, repository)}:
                origins[sha256][Origin(name, bool(private), tuple(msgspec.json.decode(urls or "[]")))] = None
        by: dict[bytes, list[str]] = {}
        for sha256, name in published:
            by.setdefault(sha256, []).append(name)
        return {digest: Needed(tuple(sorted(found)), tuple(by.get(digest, ()))) for digest, found in origins.items()}

    def published(self, digests: Sequence[bytes]) -> list[PublishedAt]:
        """Where publications have these bytes, in order of repository and version."""
        with self._reading() as session:
            return [PublishedAt(*row) for row in session.all(_PUBLISHED_AT, [(digest,) for digest in digests])]

    def is_written_to(self) -> bool:
        """Whether a run is under way, or was cut off; bytes may then stand for which rows come soon."""
        with self._reading() as session:
            return bool(session.only(_WRITTEN_TO)[0])


def _span(session: Session, name: str, number: int | None) -> dict[str, Any]:
    row = session.one(_REPOSITORY, name=name)
    first, last = (0, OPEN) if number is None else (number, number)
    return {"repository": row[0] if row is not None else -1, "first": first, "last": last}


def _is_right(sha256: bytes, body: bytes) -> bool:
    try:
        return hashlib.sha256(zlib.decompress(body)).digest() == sha256
    except zlib.error:
        return False
