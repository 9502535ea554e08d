"""Audit: what must be true of the rows themselves, whatever was cut off, asked in plain statements."""

from __future__ import annotations

import zlib
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from entrepot.catalog.snapshot import snapshot
from entrepot.catalog.statement import Statement, StatementCount

if TYPE_CHECKING:
    from entrepot.catalog.writing import Database

#: Violations of one rule that are told; the first ones show what is wrong.
_TOLD: Final = 20

_SEEN: Final = "v.completed IS NOT NULL AND v.pruned IS NULL"
_VISIBLE: Final = f"SELECT 1 FROM repository_version v WHERE {_SEEN} AND v.repository = {{0}}.repository"
_SHOWS: Final = "v.number >= {0}.added AND v.number < {0}.removed"

#: Each statement finds rows that must not be; the text tells what they mean.
_ALWAYS: Final = {
    "version {1} of {0} has not the {2} members that it says": Statement(
        "SELECT r.name, v.number, v.members FROM repository_version v JOIN repository r ON r.id = v.repository"
        f" WHERE {_SEEN} AND v.members <> (SELECT count(*) FROM membership m WHERE m.repository = v.repository"
        " AND m.added <= v.number AND m.removed > v.number) LIMIT :limit"
    ),
    "member {1} of {0} has no content": Statement(
        "SELECT r.name, m.key FROM membership m JOIN repository r ON r.id = m.repository"
        " WHERE NOT EXISTS (SELECT 1 FROM content c WHERE c.id = m.content)"
        f" AND EXISTS ({_VISIBLE.format('m')} AND {_SHOWS.format('m')}) LIMIT :limit"
    ),
    "{1} of {0} is listed in scope {2}, and is no member": Statement(
        "SELECT r.name, f.key, f.scope FROM further_scope f JOIN repository r ON r.id = f.repository"
        f" WHERE EXISTS (SELECT 1 FROM repository_version v WHERE v.repository = f.repository AND {_SEEN}"
        f" AND {_SHOWS.format('f')} AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.repository = f.repository"
        " AND m.key = f.key AND m.added <= v.number AND m.removed > v.number)) LIMIT :limit"
    ),
    "member {1} of {0} needs {2}, which is no member": Statement(
        "SELECT r.name, n.key, n.needs FROM member_need n JOIN repository r ON r.id = n.repository"
        f" WHERE EXISTS (SELECT 1 FROM repository_version v WHERE v.repository = n.repository AND {_SEEN}"
        f" AND {_SHOWS.format('n')} AND 2 > (SELECT count(DISTINCT m.key) FROM membership m"
        " WHERE m.repository = n.repository AND m.key IN (n.key, n.needs) AND m.added <= v.number"
        " AND m.removed > v.number) + CASE WHEN n.key = n.needs THEN 1 ELSE 0 END) LIMIT :limit"
    ),
    "published file {1} of {0} has no bytes": Statement(
        "SELECT r.name, p.relative_path FROM published_file p JOIN repository r ON r.id = p.repository"
        " WHERE NOT EXISTS (SELECT 1 FROM published_body b WHERE b.sha256 = p.sha256 AND NOT p.stored)"
        " AND NOT EXISTS (SELECT 1 FROM artifact a WHERE a.sha256 = p.sha256 AND p.stored)"
        f" AND EXISTS ({_VISIBLE.format('p')} AND {_SHOWS.format('p')}) LIMIT :limit"
    ),
    "version {1} of {0} is finished, and its run is not": Statement(
        "SELECT r.name, v.number FROM repository_version v JOIN repository r ON r.id = v.repository"
        f" JOIN run u ON u.id = v.run WHERE {_SEEN} AND (u.outcome IS NULL OR u.outcome <> 'completed') LIMIT :limit"
    ),
}


def _beyond(table: str) -> Statement:
    return Statement(
        f"SELECT r.name FROM {table} t JOIN repository r ON r.id = t.repository"
        " WHERE t.added > coalesce((SELECT max(v.number) FROM repository_version v"
        " WHERE v.repository = t.repository AND v.completed IS NOT NULL), 0) LIMIT :limit"
    )


_AFTER_RUNS: Final = {
    "the lease of {0} is held by {1}": Statement(
        "SELECT r.name, l.holder FROM lease l JOIN repository r ON r.id = l.repository"
        " WHERE l.run IS NOT NULL LIMIT :limit"
    ),
    "a run of {0} has not ended": Statement(
        "SELECT r.name FROM run u JOIN repository r ON r.id = u.repository WHERE u.outcome IS NULL LIMIT :limit"
    ),
    "version {1} of {0} is under construction": Statement(
        "SELECT r.name, v.number FROM repository_version v JOIN repository r ON r.id = v.repository"
        " WHERE v.completed IS NULL LIMIT :limit"
    ),
    "a member of {0} was added for no version": _beyond("membership"),
    "a further scope of {0} was added for no version": _beyond("further_scope"),
    "what a member of {0} needs was added for no version": _beyond("member_need"),
    "a published file of {0} was added for no version": _beyond("published_file"),
} | {
    f"run {{0}} left rows in {table}": Statement(f"SELECT DISTINCT run FROM {table} LIMIT :limit")
    for table in ("declared", "declared_scope", "declared_file", "dependency", "unmet", "kept")
}

_PUBLISHED: Final = Statement(
    "SELECT p.relative_path, p.media_type, p.sha256, p.size, p.stored FROM published_file p"
    " JOIN repository r ON r.id = p.repository WHERE r.name = :name AND p.added <= :number AND p.removed > :number"
    " ORDER BY p.relative_path, p.media_type"
)
_BODY: Final = Statement("SELECT body FROM published_body WHERE sha256 = :sha256")
_PATHS: Final = Statement(
    "SELECT DISTINCT a.relative_path FROM membership m JOIN repository r ON r.id = m.repository"
    " JOIN content_artifact a ON a.content = m.content"
    " WHERE r.name = :name AND m.added <= :number AND m.removed > :number ORDER BY a.relative_path"
)
_SOURCES: Final = Statement(
    "SELECT DISTINCT a.digest, s.urls FROM remote_artifact s JOIN content_artifact a ON a.content = s.content"
    " AND a.relative_path = s.relative_path JOIN artifact h ON h.sha256 = a.digest WHERE a.algorithm = 'sha256'"
)


class PublishedRow(NamedTuple):
    """A file of a version's publication."""

    relative_path: str
    media_type: str
    sha256: bytes
    size: int
    stored: bool


class Audit:
    """Looks at all rows; for tests, and for depots of their size."""

    def __init__(self, database: Database, count: StatementCount) -> None:
        self._reading = partial(snapshot, database, count)

    def violations(self, *, ended: bool) -> list[str]:
        """What is wrong among the rows; with `ended`, also what runs should have taken with them."""
        rules = _ALWAYS | (_AFTER_RUNS if ended else {})
        with self._reading() as session:
            return [text.format(*row) for text, rule in rules.items() for row in session.all(rule, limit=_TOLD)]

    def published(self, name: str, number: int) -> list[PublishedRow]:
        """The files of one version's publication, in order."""
        with self._reading() as session:
            return [PublishedRow(*row) for row in session.all(_PUBLISHED, name=name, number=number)]

    def paths(self, name: str, number: int) -> list[str]:
        """Paths of the artifacts of one version's members, in order."""
        with self._reading() as session:
            return [path for (path,) in session.all(_PATHS, name=name, number=number)]

    def body(self, sha256: bytes) -> bytes:
        """A published body that the catalog holds."""
        with self._reading() as session:
            return zlib.decompress(session.only(_BODY, sha256=sha256)[0])

    def sources(self) -> list[tuple[bytes, str]]:
        """Bytes that are held, by sha256, with the URLs noted for them, as a JSON list."""
        with self._reading() as session:
            return [(digest, urls) for digest, urls in session.all(_SOURCES)]
