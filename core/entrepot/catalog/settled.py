"""A version, under construction or finished, as the seal and its publisher ask about it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from entrepot.catalog.reserved import OPEN
from entrepot.catalog.statement import Session, Statement
from entrepot.model.ledger import Changes, ContentRow, PathClash, PathRow

if TYPE_CHECKING:
    from entrepot.catalog.writing import Run

# Rows of the new version, and rows that it closed. The numbers stand there literally because the
# indexes hold only what a later version than the first changed. The first added all that is open.
_ADDED: Final = "{0}.repository = :repository AND {0}.added = :number AND {0}.added <> 1"
_ADDED_FIRST: Final = "{0}.repository = :repository AND {0}.added = 1"
_REMOVED: Final = f"{{0}}.repository = :repository AND {{0}}.removed = :number AND {{0}}.removed <> {OPEN}"


def _for_both(text: str, added: str = "m") -> tuple[Statement, Statement]:
    """The statement for later versions, and for the first."""
    later, first = (text.replace("{added}", form.format(added)) for form in (_ADDED, _ADDED_FIRST))
    return Statement(later), Statement(first)


_COUNT_ADDED: Final = _for_both(
    "SELECT count(*), count(o.key), count(CASE WHEN o.content <> m.content THEN 1 END) FROM membership m"
    " LEFT JOIN membership o ON o.repository = m.repository AND o.key = m.key AND o.removed = :number WHERE {added}"
)
_COUNT_REMOVED: Final = Statement(f"SELECT count(*) FROM membership m WHERE {_REMOVED.format('m')}")
_LATEST: Final = Statement(
    "SELECT number, members, fingerprint, completed FROM repository_version WHERE repository = :repository"
    " AND completed IS NOT NULL ORDER BY number DESC LIMIT 1"
)


def _known_otherwise(one: str, other: str) -> str:
    """Whether bytes that came under one digest are known not to have the other."""
    differs = (
        f"SELECT 1 FROM artifact_digest x WHERE x.artifact = {{}} AND x.algorithm = {other}.algorithm"
        f" AND x.digest <> {other}.digest"
    )
    return (
        f"(({one}.algorithm = 'sha256' AND EXISTS ({differs.format(f'{one}.digest')}))"
        f" OR EXISTS (SELECT 1 FROM artifact_digest w WHERE w.algorithm = {one}.algorithm"
        f" AND w.digest = {one}.digest AND (({other}.algorithm = 'sha256' AND w.artifact <> {other}.digest)"
        f" OR EXISTS ({differs.format('w.artifact')}))))"
    )


# CROSS JOIN keeps SQLite to the order written here: from what came to whatever else has its path.
_PATH_CLASHES: Final = _for_both(
    "SELECT a.relative_path, m.key, o.key FROM membership m CROSS JOIN content_artifact a"
    " CROSS JOIN content_artifact b CROSS JOIN content c CROSS JOIN membership o"
    " WHERE {added} AND m.removed = :open AND a.content = m.content"
    " AND b.relative_path = a.relative_path AND b.content <> a.content"
    " AND ((b.algorithm = a.algorithm AND b.digest <> a.digest) OR b.size <> a.size OR (b.algorithm <> a.algorithm"
    f" AND ({_known_otherwise('a', 'b')} OR {_known_otherwise('b', 'a')}))) AND c.id = b.content"
    " AND o.repository = :repository AND o.key = c.key AND o.removed = :open AND o.content = b.content"
    " ORDER BY a.relative_path, m.key LIMIT :limit"
)

# Members of a version, whether it is under construction or finished long ago.
_STANDS: Final = "m.added <= :number AND m.removed > :number"

_CONTENTS: Final = Statement(
    "SELECT m.key, m.content, c.type, c.fields FROM membership m JOIN content c ON c.id = m.content"
    f" WHERE m.repository = :repository AND m.key > :after AND m.key < :end AND {_STANDS}"
    " ORDER BY m.key LIMIT :limit"
)
_CONTENTS_WHERE: Final = Statement(
    "SELECT m.key, m.content, c.type, c.fields FROM content_field f CROSS JOIN content c CROSS JOIN membership m"
    " WHERE f.name = :field AND f.value = :value AND c.id = f.content AND c.type = :type"
    f" AND m.repository = :repository AND m.key = c.key AND {_STANDS} AND m.content = c.id"
    " AND m.key > :after ORDER BY m.key LIMIT :limit"
)
_PATHS: Final = Statement(
    "SELECT a.relative_path, a.content, a.algorithm, a.digest, a.size FROM membership m"
    " JOIN content_artifact a ON a.content = m.content"
    f" WHERE m.repository = :repository AND m.key > :start AND m.key < :end AND {_STANDS}"
    " AND (a.relative_path, a.content) > (:path, :content) ORDER BY a.relative_path, a.content"
)
_VALUES_OF: Final = (
    "FROM membership m CROSS JOIN content_field f WHERE f.content = m.content AND f.name = :field"
    " AND m.key > :start AND m.key < :end"
)
_VALUES: Final = Statement(
    f"SELECT DISTINCT f.value {_VALUES_OF} AND m.repository = :repository AND {_STANDS} ORDER BY f.value"
)
_VALUES_CHANGED: Final = _for_both(
    f"SELECT f.value {_VALUES_OF} AND {{added}} UNION SELECT f.value {_VALUES_OF} AND {_REMOVED.format('m')} ORDER BY 1"
)


class Numbered(Protocol):
    """One version of a repository; `values` are the parameters of the statements here."""

    @property
    def number(self) -> int: ...
    @property
    def values(self) -> dict[str, Any]: ...


def key_range(type_name: str) -> tuple[str, str]:
    """Between what all natural keys of one type lie: each is a JSON list that begins with the type."""
    start = msgspec.json.encode(type_name).decode()
    return f"[{start},", f"[{start}-"


def changes(session: Session, run: Run) -> Changes:
    """How the new version differs; a row replaced by an equal one is no difference."""
    rows, replacing, changed = session.only(_COUNT_ADDED[run.number == 1], **run.values)
    (closed,) = session.only(_COUNT_REMOVED, **run.values)
    before = latest(session, run.repository)
    had = before[1] if before else 0
    return Changes(rows - replacing, changed, closed - replacing, had - (closed - replacing) - changed)


def latest(session: Session, repository: int) -> tuple[int, int, str, float] | None:
    """Number, members, fingerprint and moment of the latest finished version."""
    row = session.one(_LATEST, repository=repository)
    return None if row is None else (row[0], row[1], row[2], row[3])


def path_clashes(session: Session, run: Run, limit: int) -> list[PathClash]:
    """Paths for which what came differs from what is there; each pair of members once."""
    found: dict[tuple[str, frozenset[str]], PathClash] = {}
    for path, mine, other in session.all(_PATH_CLASHES[run.number == 1], **run.values, limit=2 * limit):
        found.setdefault((path, frozenset((mine, other))), PathClash(path, (mine, other)))
    return list(found.values())[:limit]


def contents(
    session: Session, run: Numbered, type_name: str, where: tuple[str, str] | None, after: str, limit: int
) -> list[ContentRow]:
    """A page of members in order of key."""
    start, end = key_range(type_name)
    if where is None:
        rows = session.all(_CONTENTS, **run.values, after=max(after, start), end=end, limit=limit)
    else:
        field, value = where
        rows = session.all(
            _CONTENTS_WHERE, **run.values, type=type_name, field=field, value=value, after=after, limit=limit
        )
    return [ContentRow(*row) for row in rows]


def paths(session: Session, run: Numbered, type_name: str, after: tuple[str, int]) -> Generator[PathRow, None, None]:
    """Artifacts of members from one place on, in order of path; sorted once, read as they are needed."""
    start, end = key_range(type_name)
    with closing(session.stream(_PATHS, **run.values, start=start, end=end, path=after[0], content=after[1])) as rows:
        for row in rows:
            yield PathRow(*row)


def values(session: Session, run: Numbered, type_name: str, field: str, *, changed: bool) -> list[str]:
    """Distinct values of an indexed field, of all members or of those that came or went."""
    start, end = key_range(type_name)
    statement = _VALUES_CHANGED[run.number == 1] if changed else _VALUES
    rows: Any = session.all(statement, **run.values, field=field, start=start, end=end)
    return [value for (value,) in rows]
